/** The calls and fields of DigitalOcean's API v2 that we use: the client's own types are TypeScript of 3 MB (decision 0095). */

/** What the client hands over of an answer, before it makes objects of it. */
export interface RequestConfig {
  options: { getKey(): string; responseHandler: { handleResponse(response: unknown): Promise<unknown> } }[];
}

type Get<Query = never> = (config: RequestConfig & { queryParameters?: Query }) => Promise<unknown>;
type Post<Body> = (body: Body, config: RequestConfig) => Promise<unknown>;
type Delete = (config: RequestConfig) => Promise<unknown>;

interface Page {
  page: number;
  perPage: number;
}

export interface DropletCreate {
  name: string;
  region: string;
  size: string;
  image: string | number;
  tags: string[];
  userData?: string;
  vpcUuid?: string;
  sshKeys: string[];
  publicNetworking: boolean;
  ipv6: boolean;
  backups: boolean;
  monitoring: boolean;
  withDropletAgent: boolean;
}

export interface TaggedResources {
  resources: { resourceId: string; resourceType: 'droplet' | 'image' }[];
}

/** The part of the official client that is used. */
export interface DigitalOceanApi {
  v2: {
    account: { get: Get };
    droplets: {
      get: Get<Page & { tagName?: string; name?: string }>;
      post: Post<DropletCreate>;
      byDroplet_id(id: number): {
        get: Get;
        delete: Delete;
        actions: { post: Post<{ type: string; name?: string }> };
      };
    };
    actions: { byAction_id(id: number): { get: Get } };
    tags: {
      get: Get<Page>;
      post: Post<{ name: string }>;
      byTag_id(name: string): {
        get: Get;
        delete: Delete;
        resources: { post: Post<TaggedResources>; delete: Post<TaggedResources> };
      };
    };
    snapshots: {
      get: Get<Page & { resourceType: 'droplet' }>;
      bySnapshot_id(id: number): { delete: Delete };
    };
    images: { get: Get<Page & { tagName?: string; type?: string }>; byImage_id(id: number): { get: Get } };
    regions: { get: Get<Page> };
    sizes: { get: Get<Page> };
    vpcs: { byVpc_id(id: string): { get: Get } };
    reserved_ips: {
      get: Get<Page>;
      post: Post<{ dropletId: number }>;
      byReserved_ip(ip: string): { get: Get; delete: Delete };
    };
  };
}

// As the API spells them.

export interface DropletResource {
  id: number;
  name: string;
  status: 'new' | 'active' | 'off' | 'archive';
  /** Something is being done to it, which may be its end. */
  locked: boolean;
  created_at: string;
  tags: string[];
  networks: { v4?: { ip_address: string; type: 'public' | 'private' }[] };
  region: { slug: string };
  size_slug?: string;
}

export interface SnapshotResource {
  id: string;
  name: string;
  created_at: string;
  regions: string[];
  min_disk_size: number;
  size_gigabytes: number;
  tags?: string[] | null;
}

export interface ImageResource {
  id: number;
  name: string;
  status?: string;
  created_at: string;
  regions: string[];
}

export interface TagResource {
  name: string;
  resources: { count: number };
}

export interface ActionResource {
  id: number;
  status: 'in-progress' | 'completed' | 'errored';
}

export interface ReservedIpResource {
  ip: string;
  /** Once it is assigned. */
  droplet: { id: number } | null;
  /** Something is being done to it: it may be on its way to a droplet. */
  locked: boolean;
  region: { slug: string };
}
