"""What runs and when: one small file a job. Holds no SQL and no HTTP."""
