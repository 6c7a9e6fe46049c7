import { t } from '../i18n';
import { IconButton } from '../ui/icon_button';
import { drawer, isNarrow, toggleSidebar } from './actions';
import { preferences } from './preferences';

// The bar and the scrolling column that the pages around the chat have in common.
export function PageFrame({
  title,
  children,
}: {
  title: preact.ComponentChildren;
  children: preact.ComponentChildren;
}) {
  const sidebar = isNarrow.value ? drawer.value === 'sidebar' : preferences.value.sidebarOpen;
  return (
    <>
      <header class="page-head">
        {!sidebar && (
          <IconButton
            icon="sidebar"
            label={t.value.app.openSidebar}
            expanded={false}
            controls="sidebar"
            onClick={toggleSidebar}
          />
        )}
        <p class="page-name">{title}</p>
      </header>
      <div class="model-scroll">
        <div class="model">{children}</div>
      </div>
    </>
  );
}
