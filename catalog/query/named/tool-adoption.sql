-- title: Tools, month by month
-- purpose: How many GPTs take up each tool, give it up, and have it.
-- columns:
--   month: the UTC month
--   tool: the tool's type
--   added: GPTs known before that took it up
--   removed: GPTs that gave it up
--   in_use: GPTs that have it at the end of the month
-- reading: A tool that a GPT already had when it was first seen counts in in_use alone: nobody saw
--   it being added. A GPT with several actions counts once, and gives them up with the last one.
WITH moves AS (
  SELECT gizmo_id, type AS tool, valid_from AS at, month, 1 AS step,
    CASE WHEN from_start THEN 1 ELSE 0 END AS from_start
  FROM v_tools
  UNION ALL
  SELECT gizmo_id, type, valid_to, substr(until_day, 1, 7), -1, 0
  FROM v_tools WHERE valid_to IS NOT NULL
),
moments AS (
  SELECT gizmo_id, tool, at, month, SUM(step) AS step, MAX(from_start) AS from_start
  FROM moves GROUP BY gizmo_id, tool, at, month
),
standing AS (
  SELECT tool, month, step, from_start,
    SUM(step) OVER (PARTITION BY gizmo_id, tool ORDER BY at) AS tools
  FROM moments
),
turns AS (
  SELECT tool, month,
    CASE WHEN tools > 0 AND tools = step THEN 1 WHEN tools = 0 AND step < 0 THEN -1 ELSE 0 END
      AS step,
    from_start
  FROM standing
),
months AS (
  SELECT month, tool, SUM(step) AS step,
    SUM(CASE WHEN step = 1 AND from_start = 0 THEN 1 ELSE 0 END) AS added,
    SUM(CASE WHEN step = -1 THEN 1 ELSE 0 END) AS removed
  FROM turns WHERE step <> 0 GROUP BY month, tool
)
SELECT month, tool, added, removed,
  SUM(step) OVER (PARTITION BY tool ORDER BY month) AS in_use
FROM months
ORDER BY month, in_use DESC, tool
