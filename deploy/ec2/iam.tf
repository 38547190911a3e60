# What the worker does with EC2, and nothing more: the groups of providers/ec2/permissions.ts. EC2 knows things by their tags, so what is
# made must say that it is of this deployment, and nothing else is touched.
locals {
  account    = data.aws_caller_identity.this.account_id
  in_region  = "arn:${data.aws_partition.this.partition}:ec2:${var.region}"
  own        = "${local.in_region}:${local.account}"
  deployment = "ephemera-deployment"
}

data "aws_caller_identity" "this" {}

data "aws_partition" "this" {}

data "aws_iam_policy_document" "worker" {
  statement {
    sid       = "Look"
    actions   = ["ec2:DescribeImages", "ec2:DescribeInstances", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets"]
    resources = ["*"]
  }

  statement {
    sid       = "MakeWhatIsTagged"
    actions   = ["ec2:RunInstances"]
    resources = ["${local.own}:instance/*", "${local.own}:volume/*"]
    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/${local.deployment}"
      values   = [var.deployment]
    }
  }

  # In these subnets with these security groups and no other, whatever a spec asks for and whatever the settings say.
  statement {
    sid     = "MakeThere"
    actions = ["ec2:RunInstances"]
    resources = concat(
      ["${local.in_region}::image/*", "${local.own}:image/*", "${local.in_region}::snapshot/*", "${local.own}:network-interface/*", "${local.own}:spot-instances-request/*"],
      [for subnet in aws_subnet.machines : subnet.arn],
      [aws_security_group.machines.arn, aws_security_group.egress.arn],
    )
  }

  statement {
    sid       = "ChangeItsOwn"
    actions   = ["ec2:CreateImage", "ec2:DeregisterImage", "ec2:DeleteTags", "ec2:GetConsoleOutput", "ec2:StartInstances", "ec2:StopInstances", "ec2:TerminateInstances"]
    resources = ["${local.own}:instance/*", "${local.own}:volume/*", "${local.in_region}::image/*"]
    condition {
      test     = "StringEquals"
      variable = "ec2:ResourceTag/${local.deployment}"
      values   = [var.deployment]
    }
  }

  # An image is made with its tags, and has snapshots that carry them.
  statement {
    sid       = "MakeImages"
    actions   = ["ec2:CreateImage"]
    resources = ["${local.in_region}::image/*", "${local.in_region}::snapshot/*"]
    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/${local.deployment}"
      values   = [var.deployment]
    }
  }

  statement {
    sid       = "DeleteItsSnapshots"
    actions   = ["ec2:DeleteSnapshot"]
    resources = ["${local.in_region}::snapshot/*"]
    condition {
      test     = "StringEquals"
      variable = "ec2:ResourceTag/${local.deployment}"
      values   = [var.deployment]
    }
  }

  statement {
    sid       = "TagWhatItMakes"
    actions   = ["ec2:CreateTags"]
    resources = ["${local.own}:*", "${local.in_region}::image/*", "${local.in_region}::snapshot/*"]
    condition {
      test     = "StringEquals"
      variable = "ec2:CreateAction"
      values   = ["RunInstances", "CreateImage"]
    }
  }

  statement {
    sid       = "TagItsOwn"
    actions   = ["ec2:CreateTags"]
    resources = ["${local.own}:instance/*", "${local.own}:volume/*", "${local.in_region}::image/*"]
    condition {
      test     = "StringEquals"
      variable = "ec2:ResourceTag/${local.deployment}"
      values   = [var.deployment]
    }
  }
}

resource "aws_iam_policy" "worker" {
  name        = "${local.name}-worker"
  description = "What the worker of Ephemera does with EC2 (${var.deployment})."
  policy      = data.aws_iam_policy_document.worker.json
}

# Of the control instance, where API and worker are one user's. Machines have no role at all.
resource "aws_iam_role" "control" {
  name = "${local.name}-control"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ec2.amazonaws.com" }
    }]
  })
}

resource "aws_iam_instance_profile" "control" {
  name = "${local.name}-control"
  role = aws_iam_role.control.name
}

resource "aws_iam_role_policy_attachment" "worker" {
  role       = aws_iam_role.control.name
  policy_arn = aws_iam_policy.worker.arn
}

data "aws_iam_policy_document" "secrets" {
  statement {
    sid       = "Read"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = concat(data.aws_secretsmanager_secret.temporal[*].arn, [data.aws_secretsmanager_secret.deployment.arn], [for secret in aws_secretsmanager_secret.own : secret.arn])
  }

  statement {
    sid       = "KeepItsOwn"
    actions   = ["secretsmanager:PutSecretValue"]
    resources = [for secret in aws_secretsmanager_secret.own : secret.arn]
  }
}

resource "aws_iam_role_policy" "secrets" {
  name   = "secrets"
  role   = aws_iam_role.control.id
  policy = data.aws_iam_policy_document.secrets.json
}
