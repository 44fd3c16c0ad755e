-- title: On which days of the week GPTs are edited
-- purpose: Whether authors work on weekdays, and how many of their edits come together.
-- columns:
--   weekday: 1 is Monday, 7 is Sunday (UTC)
--   changes: changes of GPTs' own seen that day
--   gpts: GPTs that had one
--   percent: share of all these changes
-- parameters:
--   window_days = 2: changes alone whose day is known to within so many days
-- reading: A change is dated by when it was first seen: only daily visits can tell weekdays apart.
WITH dated AS (
  SELECT gizmo_id, (daynum + 3) % 7 + 1 AS weekday FROM v_changes
  WHERE class = 'content' AND is_news AND window_days <= :window_days
)
SELECT weekday, COUNT(*) AS changes, COUNT(DISTINCT gizmo_id) AS gpts,
  ROUND(100.0 * COUNT(*) / (SELECT COUNT(*) FROM dated), 1) AS percent
FROM dated
GROUP BY weekday
ORDER BY weekday
