"""CDK bootstraps of the environments and of the pipeline: their policies, their template and their options."""
