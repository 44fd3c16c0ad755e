-- title: Differences that many GPTs show at once
-- purpose: What the platform did to everybody.
-- columns:
--   first_day: the first UTC day
--   last_day: the last UTC day
--   field: the path in the document
--   gpts: GPTs that show it
--   percent: their share of the GPTs that could
--   added: JSON: elements that came, or the new value
--   removed: JSON: elements that went, or the old value
-- reading: The changes of an event stand in v_changes with its event_id, and are nobody's own.
SELECT first_day, last_day, field, gpts, ROUND(CAST(100 * share AS NUMERIC), 1) AS percent,
  added, removed
FROM v_mass_events
ORDER BY first_day DESC, gpts DESC, field, event_id
