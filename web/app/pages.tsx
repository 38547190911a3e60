import { Suspense, lazy } from 'react';
import { Text } from '@mantine/core';
import { Navigate, Route, Routes } from 'react-router';
import { VmFeedProvider } from '../vms/feed/vm-feed-context.tsx';
import { VmsPage } from '../vms/vms-page.tsx';
import { VmPage } from '../vms/vm-page.tsx';
import { NothingHere } from './nothing-here.tsx';
import { Shell } from './shell.tsx';

const CreatePage = lazy(async () => ({ default: (await import('../create/create-page.tsx')).CreatePage }));

/** Every page of the dashboard by its path. */
export function Pages() {
  return (
    <VmFeedProvider>
      <Shell>
        <Suspense fallback={<Text c="dimmed">Loading …</Text>}>
          <Routes>
            <Route index element={<Navigate to="/vms" replace />} />
            <Route path="vms" element={<VmsPage />} />
            <Route path="vms/:name" element={<VmPage />} />
            <Route path="create" element={<CreatePage />} />
            <Route path="*" element={<NothingHere />} />
          </Routes>
        </Suspense>
      </Shell>
    </VmFeedProvider>
  );
}
