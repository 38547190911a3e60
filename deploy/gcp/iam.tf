resource "google_project_service" "compute" {
  service            = "compute.googleapis.com"
  disable_on_destroy = false
}

# What the worker does with Compute Engine, and nothing more: the same list as providers/gcp/permissions.ts.
resource "google_project_iam_custom_role" "machines" {
  role_id     = "ephemeraMachines_${replace(var.deployment, "-", "_")}"
  title       = "Ephemera machines (${var.deployment})"
  description = "Make, watch and destroy machines and their images."
  permissions = [
    "compute.disks.create",
    "compute.disks.setLabels",
    "compute.disks.use",
    "compute.disks.useReadOnly",
    "compute.globalOperations.get",
    "compute.globalOperations.list",
    "compute.images.create",
    "compute.images.delete",
    "compute.images.deprecate",
    "compute.images.get",
    "compute.images.getFromFamily",
    "compute.images.list",
    "compute.images.setLabels",
    "compute.images.useReadOnly",
    "compute.instances.create",
    "compute.instances.delete",
    "compute.instances.get",
    "compute.instances.getSerialPortOutput",
    "compute.instances.list",
    "compute.instances.resume",
    "compute.instances.setLabels",
    "compute.instances.setMetadata",
    "compute.instances.setServiceAccount",
    "compute.instances.setTags",
    "compute.instances.start",
    "compute.instances.stop",
    "compute.instances.suspend",
    "compute.projects.get",
    "compute.regions.get",
    "compute.subnetworks.use",
    "compute.subnetworks.useExternalIp",
    "compute.zoneOperations.get",
    "compute.zones.get",
  ]
}

resource "google_service_account" "control" {
  account_id   = "ephemera-${substr(md5(var.deployment), 0, 8)}"
  display_name = "Ephemera API and worker (${var.deployment})"
}

resource "google_project_iam_member" "control_machines" {
  project = var.project
  role    = google_project_iam_custom_role.machines.id
  member  = "serviceAccount:${google_service_account.control.email}"
}

# Machines prove themselves with this account and can do nothing with it: it has no role.
resource "google_service_account" "machine" {
  account_id   = "ephemera-vm-${substr(md5(var.deployment), 0, 8)}"
  display_name = "Ephemera machine, without any role (${var.deployment})"
}

resource "google_service_account_iam_member" "control_attaches_machine_account" {
  service_account_id = google_service_account.machine.name
  role               = "roles/iam.serviceAccountUser"
  member             = "serviceAccount:${google_service_account.control.email}"
}

resource "google_secret_manager_secret_iam_member" "deployment_secret" {
  project   = var.project
  secret_id = var.deployment_secret
  role      = "roles/secretmanager.secretAccessor"
  member    = "serviceAccount:${google_service_account.control.email}"
}

resource "google_secret_manager_secret_iam_member" "temporal_api_key" {
  count     = var.temporal_api_key_secret == "" ? 0 : 1
  project   = var.project
  secret_id = var.temporal_api_key_secret
  role      = "roles/secretmanager.secretAccessor"
  member    = "serviceAccount:${google_service_account.control.email}"
}
