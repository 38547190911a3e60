# Key and certificate of the API. The control instance makes them at its first start, so they are in no state of Terraform; they
# outlive it, for the machines of its time trust this certificate and no other.
locals {
  own_secrets = { tls = "${local.name}-api-tls", certificate = "${local.name}-api-certificate" }
  api_address = cidrhost(aws_subnet.control.cidr_block, 10)
}

resource "aws_secretsmanager_secret" "own" {
  for_each = local.own_secrets
  name     = each.value
  # Its name can be used again at once.
  recovery_window_in_days = 0
}

data "aws_secretsmanager_secret" "deployment" {
  name = var.deployment_secret
}

data "aws_secretsmanager_secret" "temporal" {
  count = var.temporal_api_key_secret == "" ? 0 : 1
  name  = var.temporal_api_key_secret
}

data "aws_ami" "debian" {
  most_recent = true
  # Debian's own account.
  owners = ["136693071363"]
  filter {
    name   = "name"
    values = ["debian-13-amd64-*"]
  }
}

# Runs API and worker. It keeps nothing: Temporal is the only database, so it may be replaced at any time.
resource "aws_instance" "control" {
  ami                    = data.aws_ami.debian.id
  instance_type          = var.control_instance_type
  subnet_id              = aws_subnet.control.id
  private_ip             = local.api_address
  vpc_security_group_ids = [aws_security_group.control.id]
  iam_instance_profile   = aws_iam_instance_profile.control.name
  # Another release is another instance.
  user_data_replace_on_change = true

  metadata_options {
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  root_block_device {
    volume_size = 20
    encrypted   = true
  }

  user_data = templatefile("${path.module}/../control-plane/setup.sh.tftpl", {
    packages                = "awscli"
    secret_functions        = templatefile("${path.module}/secrets.sh.tftpl", { region = var.region, api_address = local.api_address })
    release_url             = var.release_url
    release_sha256          = var.release_sha256
    tls_secret              = aws_secretsmanager_secret.own["tls"].name
    certificate_secret      = aws_secretsmanager_secret.own["certificate"].name
    deployment_secret       = var.deployment_secret
    temporal_api_key_secret = var.temporal_api_key_secret
    settings = {
      EPHEMERA_PROVIDER                   = "ec2"
      EPHEMERA_DEPLOYMENT                 = var.deployment
      EPHEMERA_EC2_REGION                 = var.region
      EPHEMERA_EC2_SUBNETS                = join(",", [for zone in var.machine_zones : "${zone}=${aws_subnet.machines[zone].id}"])
      EPHEMERA_EC2_SECURITY_GROUPS        = aws_security_group.machines.id
      EPHEMERA_EC2_EGRESS_SECURITY_GROUPS = aws_security_group.egress.id
      EPHEMERA_EC2_EXTERNAL_IP            = var.external_ips
      EPHEMERA_EC2_MACHINE_TYPES          = join(",", var.machine_types)
      TEMPORAL_ADDRESS                    = var.temporal_address
      TEMPORAL_NAMESPACE                  = var.temporal_namespace
    }
  })

  tags = { Name = "${local.name}-control" }

  depends_on = [aws_nat_gateway.ephemera, aws_iam_role_policy.secrets]

  lifecycle {
    precondition {
      condition     = startswith(var.release_url, "https://") && var.release_sha256 != ""
      error_message = "The control instance needs release_url, the https:// URL that it fetches Ephemera from, and release_sha256."
    }
  }
}
