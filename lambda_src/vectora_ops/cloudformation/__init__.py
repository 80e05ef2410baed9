"""CloudFormation stacks: deployment, resource import, templates."""
