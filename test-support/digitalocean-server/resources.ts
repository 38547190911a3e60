/** What an account has, as the API's description has it. */
export interface Region {
  slug: string;
  name: string;
  features: string[];
}

export interface Size {
  slug: string;
  memory: number;
  vcpus: number;
  /** GB. */
  disk: number;
  transfer: number;
  price_monthly: number;
  price_hourly: number;
  description: string;
}

/** The files of a disk. */
export type DiskFiles = Map<string, Buffer>;

export interface Image {
  id: number;
  name: string;
  type: 'base' | 'snapshot';
  distribution: string;
  slug: string | null;
  public: boolean;
  regions: string[];
  created_at: string;
  min_disk_size: number;
  size_gigabytes: number;
  description: string;
  status: 'available' | 'deleted';
  error_message: string;
}

/** An image that was made of a droplet. */
export interface Snapshot extends Image {
  type: 'snapshot';
  dropletId: number;
  files: DiskFiles;
}

export interface Vpc {
  id: string;
  name: string;
  region: string;
  ip_range: string;
  default: boolean;
  created_at: string;
}

export interface SshKey {
  id: number;
  fingerprint: string;
  name: string;
}

export interface Action {
  id: number;
  status: 'in-progress' | 'completed' | 'errored';
  type: string;
  started_at: string;
  completed_at: string | null;
  resource_id: number;
  resource_type: 'droplet' | 'reserved_ip';
  region_slug: string;
}

export interface Droplet {
  id: number;
  name: string;
  status: 'new' | 'active' | 'off' | 'archive';
  created_at: string;
  region: string;
  size: Size;
  image: Image;
  vpcId: string;
  features: string[];
  userData: string;
  hasPublicNetwork: boolean;
  privateIp: string | null;
  publicIp: string | null;
  files: DiskFiles;
  /** The event that is under way: while there is one it is locked. */
  pending: Action | null;
}

export interface ReservedIp {
  ip: string;
  region: string;
  dropletId: number | null;
  pending: Action | null;
}

/** What a create asks for. */
export interface DropletCreate {
  name?: string;
  names?: string[];
  region?: string;
  size: string;
  image: string | number;
  ssh_keys?: (string | number)[];
  monitoring?: boolean;
  ipv6?: boolean;
  backups?: boolean;
  tags?: string[];
  user_data?: string;
  vpc_uuid?: string;
  volumes?: string[];
  public_networking?: boolean;
  with_droplet_agent?: boolean;
}
