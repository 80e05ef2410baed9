"""Steps of the pipeline that run in an environment, one module a step."""
