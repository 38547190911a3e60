locals {
  name = "ephemera-${var.deployment}"
  # A /20 for the machines of each zone, and one for what is reached from outside.
  machine_ranges = { for index, zone in var.machine_zones : zone => cidrsubnet("10.60.0.0/16", 4, index + 1) }
}

resource "aws_vpc" "ephemera" {
  cidr_block           = "10.60.0.0/16"
  enable_dns_support   = true
  enable_dns_hostnames = true
  tags                 = { Name = local.name }
}

resource "aws_internet_gateway" "ephemera" {
  vpc_id = aws_vpc.ephemera.id
  tags   = { Name = local.name }
}

resource "aws_subnet" "public" {
  vpc_id            = aws_vpc.ephemera.id
  availability_zone = var.machine_zones[0]
  cidr_block        = cidrsubnet("10.60.0.0/16", 4, 0)
  tags              = { Name = "${local.name}-public" }
}

# API and worker, and no machine: their addresses are not those that machines take.
resource "aws_subnet" "control" {
  vpc_id            = aws_vpc.ephemera.id
  availability_zone = var.machine_zones[0]
  cidr_block        = cidrsubnet("10.60.0.0/16", 4, 15)
  tags              = { Name = "${local.name}-control" }
}

resource "aws_subnet" "machines" {
  for_each          = local.machine_ranges
  vpc_id            = aws_vpc.ephemera.id
  availability_zone = each.key
  cidr_block        = each.value
  tags              = { Name = "${local.name}-machines" }
}

# What has no address of its own reaches the outside (Temporal, packages) by this one.
resource "aws_eip" "nat" {
  domain = "vpc"
  tags   = { Name = local.name }
}

resource "aws_nat_gateway" "ephemera" {
  allocation_id = aws_eip.nat.id
  subnet_id     = aws_subnet.public.id
  tags          = { Name = local.name }
  depends_on    = [aws_internet_gateway.ephemera]
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.ephemera.id
  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.ephemera.id
  }
  tags = { Name = "${local.name}-public" }
}

resource "aws_route_table" "private" {
  vpc_id = aws_vpc.ephemera.id
  route {
    cidr_block     = "0.0.0.0/0"
    nat_gateway_id = aws_nat_gateway.ephemera.id
  }
  tags = { Name = "${local.name}-private" }
}

resource "aws_route_table_association" "public" {
  subnet_id      = aws_subnet.public.id
  route_table_id = aws_route_table.public.id
}

resource "aws_route_table_association" "control" {
  subnet_id      = aws_subnet.control.id
  route_table_id = aws_route_table.private.id
}

resource "aws_route_table_association" "machines" {
  for_each       = aws_subnet.machines
  subnet_id      = each.value.id
  route_table_id = var.external_ips == "allowed" ? aws_route_table.public.id : aws_route_table.private.id
}

resource "aws_security_group" "control" {
  name        = "${local.name}-control"
  description = "API and worker"
  vpc_id      = aws_vpc.ephemera.id
}

# Machines reach the API and nothing else of ours; machines do not reach each other.
resource "aws_security_group" "machines" {
  name        = "${local.name}-machines"
  description = "Every machine"
  vpc_id      = aws_vpc.ephemera.id
}

# Of machines with egress, beside the other one.
resource "aws_security_group" "egress" {
  name        = "${local.name}-egress"
  description = "Machines that reach the internet"
  vpc_id      = aws_vpc.ephemera.id
}

resource "aws_vpc_security_group_ingress_rule" "api_from_machines" {
  security_group_id            = aws_security_group.control.id
  referenced_security_group_id = aws_security_group.machines.id
  ip_protocol                  = "tcp"
  from_port                    = 7400
  to_port                      = 7400
}

resource "aws_vpc_security_group_ingress_rule" "api_from_users" {
  for_each          = toset(var.api_source_ranges)
  security_group_id = aws_security_group.control.id
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = 7400
  to_port           = 7400
}

resource "aws_vpc_security_group_egress_rule" "control" {
  security_group_id = aws_security_group.control.id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}

# The worker probes readiness over HTTP and TCP.
resource "aws_vpc_security_group_ingress_rule" "probes" {
  security_group_id            = aws_security_group.machines.id
  referenced_security_group_id = aws_security_group.control.id
  ip_protocol                  = "tcp"
  from_port                    = 0
  to_port                      = 65535
}

resource "aws_vpc_security_group_ingress_rule" "users" {
  for_each          = { for pair in setproduct(var.machine_source_ranges, var.machine_ports) : "${pair[0]} ${pair[1]}" => pair }
  security_group_id = aws_security_group.machines.id
  cidr_ipv4         = each.value[0]
  ip_protocol       = "tcp"
  from_port         = each.value[1]
  to_port           = each.value[1]
}

# A machine whose spec does not ask for egress reaches the API alone (the metadata service is never filtered).
resource "aws_vpc_security_group_egress_rule" "machines_to_api" {
  security_group_id            = aws_security_group.machines.id
  referenced_security_group_id = aws_security_group.control.id
  ip_protocol                  = "tcp"
  from_port                    = 7400
  to_port                      = 7400
}

resource "aws_vpc_security_group_egress_rule" "egress" {
  security_group_id = aws_security_group.egress.id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}
