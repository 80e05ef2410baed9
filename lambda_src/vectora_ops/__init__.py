"""Operations on an environment: snapshots, rollbacks, promotions, and the settings and names that they need."""
