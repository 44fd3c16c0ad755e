-- title: Categories, month by month
-- purpose: Which categories of the store grow and which shrink.
-- columns:
--   month: the UTC month
--   category: the category
--   arrived: GPTs first seen in it
--   moved_in: GPTs known before that came into it
--   moved_out: GPTs that left it
--   gpts: GPTs in it at the end of the month
-- reading: Where a harvest began, arrived tells of the harvest; later it tells of the store.
WITH moves AS (
  SELECT category, month, 1 AS step, CASE WHEN from_start THEN 1 ELSE 0 END AS arrived,
    CASE WHEN from_start THEN 0 ELSE 1 END AS moved_in, 0 AS moved_out
  FROM v_categories
  UNION ALL
  SELECT category, substr(until_day, 1, 7), -1, 0, 0, 1
  FROM v_categories WHERE until_day IS NOT NULL
),
months AS (
  SELECT month, category, SUM(step) AS step, SUM(arrived) AS arrived,
    SUM(moved_in) AS moved_in, SUM(moved_out) AS moved_out
  FROM moves GROUP BY month, category
)
SELECT month, category, arrived, moved_in, moved_out,
  SUM(step) OVER (PARTITION BY category ORDER BY month) AS gpts
FROM months
ORDER BY month, gpts DESC, category
