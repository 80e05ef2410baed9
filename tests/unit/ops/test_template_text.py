"""Parsing of JSON and YAML templates, and the S3 objects that they refer to."""

from __future__ import annotations

import json

from vectora_ops.cloudformation.templates import AssetReference, asset_references, parse_template

YAML = """
AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  CodeBucket: {Type: String}
Resources:
  Function:
    Type: AWS::Lambda::Function
    Properties:
      Code: {S3Bucket: !Ref CodeBucket, S3Key: lambda/engine.zip}
      Role: !GetAtt Role.Arn
      Environment:
        Variables:
          NAME: !Sub "${AWS::StackName}-x"
  Role:
    Type: AWS::IAM::Role
    Properties:
      ManagedPolicyArns: !If [Wide, [a], !Split [",", "b,c"]]
"""


def test_short_yaml_tags_become_long_functions() -> None:
    resources = parse_template(YAML)["Resources"]

    function = resources["Function"]["Properties"]
    assert function["Role"] == {"Fn::GetAtt": ["Role", "Arn"]}
    assert function["Environment"]["Variables"]["NAME"] == {"Fn::Sub": "${AWS::StackName}-x"}
    assert resources["Role"]["Properties"]["ManagedPolicyArns"] == {
        "Fn::If": ["Wide", ["a"], {"Fn::Split": [",", "b,c"]}]
    }


def test_a_date_in_yaml_stays_text() -> None:
    assert parse_template("AWSTemplateFormatVersion: 2010-09-09\n") == {"AWSTemplateFormatVersion": "2010-09-09"}


def test_objects_are_found_through_parameters_and_pseudo_parameters() -> None:
    template = {
        "Resources": {
            "Layer": {
                "Properties": {
                    "Content": {
                        "S3Bucket": {"Fn::Sub": "cdk-assets-${AWS::AccountId}-${AWS::Region}"},
                        "S3Key": "aa.zip",
                    }
                }
            },
            "Configuration": {"Properties": {"ContentBucket": "plain", "ContentKey": "bb.zip", "PublicKey": "no pair"}},
        }
    }

    found = asset_references(template, parameters={}, account_id="111111111111", region="eu-west-3")

    assert found == (AssetReference("cdk-assets-111111111111-eu-west-3", "aa.zip"), AssetReference("plain", "bb.zip"))
    legacy = asset_references(
        parse_template(YAML), parameters={"CodeBucket": "code-dev"}, account_id="111111111111", region="eu-west-3"
    )
    assert legacy == (AssetReference("code-dev", "lambda/engine.zip"),)


def test_references_that_cannot_be_resolved_are_skipped() -> None:
    template = json.dumps({"Resources": {"F": {"Properties": {"S3Bucket": {"Ref": "Unknown"}, "S3Key": "a.zip"}}}})

    assert asset_references(parse_template(template), parameters={}, account_id="1", region="r") == ()
