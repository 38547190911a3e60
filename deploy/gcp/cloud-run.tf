# API and worker on Cloud Run, with control_plane = "cloud-run". Both keep nothing, so any number of them may run.
locals {
  on_cloud_run = var.control_plane == "cloud-run"
  # Known before the service is there: machines and the API itself are told it.
  cloud_run_url = "https://ephemera-${var.deployment}-api-${data.google_project.this.number}.${var.region}.run.app"
  environment = {
    EPHEMERA_PROVIDER            = "gcp"
    EPHEMERA_DEPLOYMENT          = var.deployment
    EPHEMERA_GCP_PROJECT         = var.project
    EPHEMERA_GCP_ZONES           = join(",", var.machine_zones)
    EPHEMERA_GCP_SERVICE_ACCOUNT = google_service_account.machine.email
    EPHEMERA_GCP_NETWORKS        = google_compute_subnetwork.ephemera.id
    EPHEMERA_GCP_EXTERNAL_IP     = var.external_ips
    EPHEMERA_GCP_MACHINE_TYPES   = join(",", var.machine_types)
    EPHEMERA_API_URL             = local.cloud_run_url
    TEMPORAL_ADDRESS             = var.temporal_address
    TEMPORAL_NAMESPACE           = var.temporal_namespace
  }
  api_environment = merge(local.environment, {
    EPHEMERA_API_HOST = "0.0.0.0"
    EPHEMERA_API_PORT = "8080"
    # A file would go with its replica; Cloud Logging keeps standard output.
    EPHEMERA_AUDIT_LOG = "-"
    # Requests come from Google's front end, on a link-local address; the caller is the last one that it names.
    EPHEMERA_API_TRUSTED_PROXIES = "169.254.0.0/16"
  })
  secret_environment = merge(
    { EPHEMERA_SECRET_KEY = var.deployment_secret },
    var.temporal_api_key_secret == "" ? {} : { TEMPORAL_API_KEY = var.temporal_api_key_secret },
  )
  # The worker checks no keys.
  api_secret_environment = merge(
    local.secret_environment,
    var.api_key_secret == "" ? {} : { EPHEMERA_API_KEY = var.api_key_secret },
  )
}

data "google_project" "this" {
  project_id = var.project
}

resource "google_project_service" "run" {
  count              = local.on_cloud_run ? 1 : 0
  service            = "run.googleapis.com"
  disable_on_destroy = false
}

resource "google_cloud_run_v2_service" "api" {
  count               = local.on_cloud_run ? 1 : 0
  name                = "ephemera-${var.deployment}-api"
  location            = var.region
  ingress             = var.api_ingress
  deletion_protection = false
  # Whoever comes proves himself to the API: with its own keys, or as a machine.
  invoker_iam_disabled = true

  template {
    service_account = google_service_account.api[0].email
    timeout         = "330s"

    scaling {
      min_instance_count = 1
      max_instance_count = var.api_instances
    }

    vpc_access {
      egress = "PRIVATE_RANGES_ONLY"
      network_interfaces {
        subnetwork = google_compute_subnetwork.ephemera.id
        tags       = ["ephemera-control"]
      }
    }

    containers {
      image = var.container_image
      args  = ["api"]

      ports {
        container_port = 8080
      }

      # It follows Temporal between requests too.
      resources {
        cpu_idle = false
        limits = {
          cpu    = "1"
          memory = "1Gi"
        }
      }

      startup_probe {
        http_get {
          path = "/readyz"
          port = 8080
        }
        period_seconds    = 2
        failure_threshold = 60
      }

      dynamic "env" {
        for_each = local.api_environment
        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "env" {
        for_each = local.api_secret_environment
        content {
          name = env.key
          value_source {
            secret_key_ref {
              secret  = env.value
              version = "latest"
            }
          }
        }
      }
    }
  }

  depends_on = [google_project_service.run]

  lifecycle {
    precondition {
      condition     = var.container_image != "" && var.api_key_secret != ""
      error_message = "Cloud Run needs container_image (deploy/container/Dockerfile) and api_key_secret: replicas share no disk to keep keys on."
    }
  }
}

resource "google_cloud_run_v2_worker_pool" "worker" {
  count               = local.on_cloud_run ? 1 : 0
  name                = "ephemera-${var.deployment}-worker"
  location            = var.region
  deletion_protection = false

  scaling {
    manual_instance_count = var.worker_instances
  }

  template {
    service_account = google_service_account.worker.email

    # The tag lets its readiness probes in to machines.
    vpc_access {
      egress = "PRIVATE_RANGES_ONLY"
      network_interfaces {
        subnetwork = google_compute_subnetwork.ephemera.id
        tags       = ["ephemera-control"]
      }
    }

    containers {
      image = var.container_image
      args  = ["worker"]

      resources {
        limits = {
          cpu    = "1"
          memory = "2Gi"
        }
      }

      dynamic "env" {
        for_each = local.environment
        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "env" {
        for_each = local.secret_environment
        content {
          name = env.key
          value_source {
            secret_key_ref {
              secret  = env.value
              version = "latest"
            }
          }
        }
      }
    }
  }

  depends_on = [google_project_service.run]
}

# Machines reach the API inside Google's network, at the addresses that private.googleapis.com stands for.
resource "google_dns_managed_zone" "run" {
  count      = local.on_cloud_run ? 1 : 0
  name       = "ephemera-${var.deployment}-run"
  dns_name   = "run.app."
  visibility = "private"
  private_visibility_config {
    networks {
      network_url = google_compute_network.ephemera.id
    }
  }
}

resource "google_dns_record_set" "run" {
  count        = local.on_cloud_run ? 1 : 0
  managed_zone = google_dns_managed_zone.run[0].name
  name         = "*.run.app."
  type         = "A"
  ttl          = 300
  rrdatas      = ["199.36.153.8", "199.36.153.9", "199.36.153.10", "199.36.153.11"]
}
