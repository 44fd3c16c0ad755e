-- title: Which fields change most
-- purpose: What people edit, and which fields only flap.
-- columns:
--   field: the path in the document
--   class: content, lifecycle or platform
--   changes: changes of it
--   gpts: GPTs that had one
--   own: changes that are a GPT's own: no flap, no disagreement, no mass event
--   flap_percent: share of changes that were taken back soon
--   last_day: the UTC day of the latest
-- reading: Sort by own for what people do. A list counts once for each element that came or went.
SELECT field, class, COUNT(*) AS changes, COUNT(DISTINCT gizmo_id) AS gpts,
  SUM(CASE WHEN is_news THEN 1 ELSE 0 END) AS own,
  ROUND(100.0 * SUM(CASE WHEN flap THEN 1 ELSE 0 END) / COUNT(*), 1) AS flap_percent,
  MAX(day) AS last_day
FROM v_changes
GROUP BY field, class
ORDER BY changes DESC, field, class
