resource "google_compute_address" "control" {
  count        = local.on_cloud_run ? 0 : 1
  name         = "ephemera-${var.deployment}-control"
  address_type = "INTERNAL"
  subnetwork   = google_compute_subnetwork.ephemera.id
  region       = var.region
}

# Key and certificate of the API. The control VM makes them at its first start, so they are in no state of Terraform; they
# outlive the VM, for the machines of its time trust this certificate and no other.
locals {
  own_secrets = local.on_cloud_run ? {} : {
    tls         = "ephemera-${var.deployment}-api-tls"
    certificate = "ephemera-${var.deployment}-api-certificate"
  }
}

# `certificate` has the certificate alone, for whoever calls the API.
resource "google_secret_manager_secret" "own" {
  for_each  = local.own_secrets
  secret_id = each.value
  replication {
    auto {}
  }
}

resource "google_secret_manager_secret_iam_member" "own_read" {
  for_each  = local.own_secrets
  project   = var.project
  secret_id = google_secret_manager_secret.own[each.key].secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = local.worker
}

resource "google_secret_manager_secret_iam_member" "own_write" {
  for_each  = local.own_secrets
  project   = var.project
  secret_id = google_secret_manager_secret.own[each.key].secret_id
  role      = "roles/secretmanager.secretVersionAdder"
  member    = local.worker
}

# With control_plane = "vm" one VM runs API and worker. It keeps nothing: Temporal is the only database, so it may be replaced at any time.
resource "google_compute_instance" "control" {
  count                     = local.on_cloud_run ? 0 : 1
  name                      = "ephemera-${var.deployment}-control"
  machine_type              = var.control_machine_type
  zone                      = var.zone
  tags                      = ["ephemera-control"]
  allow_stopping_for_update = true

  boot_disk {
    initialize_params {
      image = "debian-cloud/debian-13"
      size  = 20
    }
  }

  network_interface {
    subnetwork = google_compute_subnetwork.ephemera.id
    network_ip = google_compute_address.control[0].address
  }

  service_account {
    email  = google_service_account.worker.email
    scopes = ["cloud-platform"]
  }

  shielded_instance_config {
    enable_secure_boot = true
  }

  metadata = {
    block-project-ssh-keys = "TRUE"
    startup-script = templatefile("${path.module}/control-startup.sh.tftpl", {
      release_url             = var.release_url
      release_sha256          = var.release_sha256
      project                 = var.project
      zones                   = join(",", var.machine_zones)
      deployment              = var.deployment
      api_address             = google_compute_address.control[0].address
      tls_secret              = google_secret_manager_secret.own["tls"].secret_id
      certificate_secret      = google_secret_manager_secret.own["certificate"].secret_id
      networks                = google_compute_subnetwork.ephemera.id
      external_ips            = var.external_ips
      machine_types           = join(",", var.machine_types)
      machine_service_account = google_service_account.machine.email
      vm_server_url           = var.vm_server_url
      temporal_address        = var.temporal_address
      temporal_namespace      = var.temporal_namespace
      temporal_api_key_secret = var.temporal_api_key_secret
      deployment_secret       = var.deployment_secret
    })
  }

  depends_on = [
    google_project_service.compute,
    google_compute_router_nat.ephemera,
    google_secret_manager_secret_iam_member.own_read,
    google_secret_manager_secret_iam_member.own_write,
  ]

  lifecycle {
    precondition {
      condition     = startswith(var.release_url, "https://") && var.release_sha256 != ""
      error_message = "The control VM needs release_url, the https:// URL that it fetches Ephemera from, and release_sha256."
    }
  }
}
