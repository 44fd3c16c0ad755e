-- title: Ratings against age
-- purpose: Whether older GPTs are rated better, and how many are rated at all.
-- columns:
--   age_years: full years from when it was made to when it was last seen
--   gpts: GPTs of that age
--   rated: those of them with at least min_reviews reviews
--   reviews: reviews of the rated ones
--   mean_rating: the mean of their averages: each GPT counts once
--   stars_a_review: stars by reviews: each review counts once
-- parameters:
--   min_reviews = 5: reviews that a GPT needs to count as rated
-- reading: Where stars_a_review is above mean_rating, those with many reviews are the better ones.
SELECT age_days / 365 AS age_years,
  COUNT(*) AS gpts,
  SUM(CASE WHEN reviews >= :min_reviews THEN 1 ELSE 0 END) AS rated,
  SUM(CASE WHEN reviews >= :min_reviews THEN reviews ELSE 0 END) AS reviews,
  ROUND(CAST(AVG(CASE WHEN reviews >= :min_reviews THEN stars_average END) AS NUMERIC), 2) AS mean_rating,
  ROUND(
    1.0 * SUM(CASE WHEN reviews >= :min_reviews THEN stars END)
      / NULLIF(SUM(CASE WHEN reviews >= :min_reviews THEN reviews END), 0),
    2
  ) AS stars_a_review
FROM v_gpts
WHERE age_days IS NOT NULL
GROUP BY age_days / 365
ORDER BY age_years
