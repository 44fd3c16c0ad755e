-- title: How stale the catalog is
-- purpose: How long ago what the catalog says was last confirmed, against its latest answer.
-- columns:
--   status: listed, missing or gone
--   days: days since it was confirmed, from
--   up_to: to; nothing: without an end
--   gpts: GPTs confirmed that long ago
--   percent: their share of that status
-- reading: A listed GPT is confirmed by a document, any other by an answer of whatever kind. The
--   days count from the latest answer in the catalog, not from today.
WITH spans(days, up_to) AS (VALUES (0, 0), (1, 6), (7, 29), (30, 89), (90, NULL)),
latest AS (SELECT MAX(last_asked_daynum) AS daynum FROM v_gpts),
ages AS (
  SELECT g.status,
    l.daynum - CASE WHEN g.status = 'listed' THEN g.last_seen_daynum ELSE g.last_asked_daynum END
      AS days
  FROM v_gpts AS g CROSS JOIN latest AS l
),
totals AS (SELECT status, COUNT(*) AS gpts FROM ages GROUP BY status)
SELECT a.status, s.days, s.up_to, COUNT(*) AS gpts, ROUND(100.0 * COUNT(*) / t.gpts, 1) AS percent
FROM ages AS a
JOIN spans AS s ON a.days >= s.days AND (s.up_to IS NULL OR a.days <= s.up_to)
JOIN totals AS t ON t.status = a.status
GROUP BY a.status, s.days, s.up_to, t.gpts
ORDER BY a.status, s.days
