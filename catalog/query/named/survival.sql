-- title: How long GPTs survive
-- purpose: Which share of GPTs is still there so many months after it was first seen.
-- columns:
--   months: spans of 30 days since a GPT was first seen
--   at_risk: GPTs that were watched that long and were there until then
--   ended: those of them that were gone within that span
--   percent: GPTs that survive the span (Kaplan and Meier's estimate)
-- reading: A GPT that is still there counts as long as it was watched, and no longer: so young
--   catalogs have few months. A GPT is gone on the day of the second "no such GPT" (rule 6).
WITH RECURSIVE
ends AS (SELECT gizmo_id, from_daynum FROM v_statuses WHERE status = 'gone' AND is_current),
lives AS (
  SELECT (COALESCE(e.from_daynum, g.last_seen_daynum) - g.first_seen_daynum) / 30 AS months,
    CASE WHEN e.gizmo_id IS NULL THEN 0 ELSE 1 END AS ended
  FROM v_gpts AS g LEFT JOIN ends AS e ON e.gizmo_id = g.gizmo_id
),
sums AS (SELECT months, COUNT(*) AS gpts, SUM(ended) AS ended FROM lives GROUP BY months),
steps AS (
  SELECT months, ended, SUM(gpts) OVER (ORDER BY months DESC) AS at_risk,
    ROW_NUMBER() OVER (ORDER BY months) AS step
  FROM sums
),
estimate(step, months, at_risk, ended, percent) AS (
  SELECT step, months, at_risk, ended,
    CAST(100.0 * (at_risk - ended) / at_risk AS DOUBLE PRECISION)
  FROM steps WHERE step = 1
  UNION ALL
  SELECT s.step, s.months, s.at_risk, s.ended,
    e.percent * CAST(1.0 * (s.at_risk - s.ended) / s.at_risk AS DOUBLE PRECISION)
  FROM estimate AS e JOIN steps AS s ON s.step = e.step + 1
)
SELECT months, at_risk, ended, ROUND(CAST(percent AS NUMERIC), 2) AS percent
FROM estimate
ORDER BY months
