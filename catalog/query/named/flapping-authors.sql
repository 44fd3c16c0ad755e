-- title: Authors whose fields flap
-- purpose: Whose name, website or accounts come and go with the machine that answered.
-- columns:
--   user_id: the author
--   author: the name as shown now
--   flaps: changes of author fields that were taken back soon
--   changes: all changes of author fields
--   flap_percent: share of the two
--   gpts: GPTs with such a flap
--   last_day: the UTC day of the latest flap
-- parameters:
--   top = 50: how many authors
-- reading: A high percent says that the sources differ, not that the author does.
SELECT c.user_id, MAX(a.display_name) AS author,
  SUM(CASE WHEN c.flap THEN 1 ELSE 0 END) AS flaps, COUNT(*) AS changes,
  ROUND(100.0 * SUM(CASE WHEN c.flap THEN 1 ELSE 0 END) / COUNT(*), 1) AS flap_percent,
  COUNT(DISTINCT CASE WHEN c.flap THEN c.gizmo_id END) AS gpts,
  MAX(CASE WHEN c.flap THEN c.day END) AS last_day
FROM v_changes AS c LEFT JOIN v_authors AS a ON a.user_id = c.user_id
WHERE c.field LIKE 'gizmo.author.%' AND c.user_id IS NOT NULL
GROUP BY c.user_id
HAVING SUM(CASE WHEN c.flap THEN 1 ELSE 0 END) > 0
ORDER BY flaps DESC, c.user_id
LIMIT :top
