-- title: GPTs whose conversations grow fastest
-- purpose: What is taking off.
-- columns:
--   gizmo_id: the GPT
--   name: its name
--   author: its author
--   grew: conversations more than before the window, at least
--   conversations: conversations now, at least
--   days: days between the points that are compared
-- parameters:
--   days = 30: the window, back from the latest number in the catalog
--   top = 50: how many GPTs
-- reading: Large numbers are told as 25K+ or 1M+, so they grow in leaps.
WITH latest AS (SELECT MAX(daynum) AS daynum FROM v_metrics),
moved AS (
  SELECT m.gizmo_id, SUM(m.conversations_moved) AS grew, SUM(m.days) AS days
  FROM v_metrics AS m CROSS JOIN latest AS l
  WHERE m.daynum > l.daynum - :days
  GROUP BY m.gizmo_id
)
SELECT g.gizmo_id, g.name, g.author, m.grew, g.conversations,
  ROUND(CAST(m.days AS NUMERIC), 1) AS days
FROM moved AS m JOIN v_gpts AS g ON g.gizmo_id = m.gizmo_id
WHERE m.grew > 0
ORDER BY m.grew DESC, g.gizmo_id
LIMIT :top
