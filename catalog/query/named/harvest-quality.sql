-- title: How asking went, day by day
-- purpose: Whether the sources answer, and what requests bring.
-- columns:
--   day: the UTC day
--   source: the source
--   ids: ids asked for
--   documents: ids that gave their document
--   not_found: ids that the source says do not exist
--   no_fact: ids that ended in anything else
--   requests: HTTP requests
--   documents_percent: share of ids that gave their document
-- reading: no_fact says nothing about any GPT; gpts-catalog status tells the reasons.
SELECT day, source, SUM(ids) AS ids,
  SUM(CASE WHEN verdict = 'document' THEN ids ELSE 0 END) AS documents,
  SUM(CASE WHEN verdict = 'not_found' THEN ids ELSE 0 END) AS not_found,
  SUM(CASE WHEN verdict IN ('document', 'not_found') THEN 0 ELSE ids END) AS no_fact,
  SUM(requests) AS requests,
  ROUND(100.0 * SUM(CASE WHEN verdict = 'document' THEN ids ELSE 0 END) / SUM(ids), 1)
    AS documents_percent
FROM v_outcomes_daily
GROUP BY day, source
ORDER BY day, source
