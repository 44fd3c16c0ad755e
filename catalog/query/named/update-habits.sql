-- title: How often GPTs are edited
-- purpose: How many GPTs are never touched again, and how many are looked after.
-- columns:
--   changes: changes of content seen, from
--   up_to: to; nothing: without an end
--   gpts: GPTs with so many
--   percent: their share
--   days_watched: days from when they were first seen to when they were last seen, on average
-- reading: One edit often changes several fields, and each is a change. Flaps are left out.
WITH spans(changes, up_to) AS (
  VALUES (0, 0), (1, 1), (2, 3), (4, 7), (8, 15), (16, NULL)
),
counted AS (SELECT changes, last_seen_daynum - first_seen_daynum AS days FROM v_gpts)
SELECT s.changes, s.up_to, COUNT(c.changes) AS gpts,
  ROUND(100.0 * COUNT(c.changes) / NULLIF((SELECT COUNT(*) FROM counted), 0), 1) AS percent,
  ROUND(CAST(AVG(c.days) AS NUMERIC), 1) AS days_watched
FROM spans AS s
LEFT JOIN counted AS c
  ON c.changes >= s.changes AND (s.up_to IS NULL OR c.changes <= s.up_to)
GROUP BY s.changes, s.up_to
ORDER BY s.changes
