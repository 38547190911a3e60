import { Suspense, lazy } from 'react';
import { Text } from '@mantine/core';
import { Navigate, Route, Routes } from 'react-router';
import { useMay } from '../session/session.ts';
import { VmFeedProvider } from '../vms/feed/vm-feed-context.tsx';
import { VmsPage } from '../vms/vms-page.tsx';
import { VmPage } from '../vms/vm-page.tsx';
import { NothingHere } from './nothing-here.tsx';
import { Shell } from './shell.tsx';

const CreatePage = lazy(async () => ({ default: (await import('../create/create-page.tsx')).CreatePage }));
const TemplatesPage = lazy(async () => ({ default: (await import('../templates/templates-page.tsx')).TemplatesPage }));
const TemplatePage = lazy(async () => ({ default: (await import('../templates/template-page.tsx')).TemplatePage }));
const PoolsPage = lazy(async () => ({ default: (await import('../pools/pools-page.tsx')).PoolsPage }));
const HostsPage = lazy(async () => ({ default: (await import('../hosts/hosts-page.tsx')).HostsPage }));
const ImagesPage = lazy(async () => ({ default: (await import('../images/images-page.tsx')).ImagesPage }));
const KeysPage = lazy(async () => ({ default: (await import('../keys/keys-page.tsx')).KeysPage }));
const AuditPage = lazy(async () => ({ default: (await import('../audit/audit-page.tsx')).AuditPage }));
const WebhooksPage = lazy(async () => ({ default: (await import('../webhooks/webhooks-page.tsx')).WebhooksPage }));
const WebhookPage = lazy(async () => ({ default: (await import('../webhooks/webhook-page.tsx')).WebhookPage }));
const SweepsPage = lazy(async () => ({ default: (await import('../sweeps/sweeps-page.tsx')).SweepsPage }));

/** Every page of the dashboard by its path. */
export function Pages() {
  const isAdmin = useMay('admin');
  return (
    <VmFeedProvider>
      <Shell>
        <Suspense fallback={<Text c="dimmed">Loading …</Text>}>
          <Routes>
            <Route index element={<Navigate to="/vms" replace />} />
            <Route path="vms" element={<VmsPage />} />
            <Route path="vms/:name" element={<VmPage />} />
            <Route path="create" element={<CreatePage />} />
            <Route path="templates" element={<TemplatesPage />} />
            <Route path="templates/:name" element={<TemplatePage />} />
            <Route path="pools" element={<PoolsPage />} />
            <Route path="hosts" element={<HostsPage />} />
            <Route path="images" element={<ImagesPage />} />
            <Route path="webhooks" element={<WebhooksPage />} />
            <Route path="webhooks/:id" element={<WebhookPage />} />
            {isAdmin && (
              <>
                <Route path="sweeps" element={<SweepsPage />} />
                <Route path="audit" element={<AuditPage />} />
                <Route path="keys" element={<KeysPage />} />
              </>
            )}
            <Route path="*" element={<NothingHere />} />
          </Routes>
        </Suspense>
      </Shell>
    </VmFeedProvider>
  );
}
