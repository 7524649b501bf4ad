// First: what it sets must stand before the modules below it are evaluated.
import './without-eval.ts'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { Page } from './page.tsx'
import { openSettings } from './settings.ts'

const root = document.getElementById('page')
if (root === null) throw new Error('index.html has no element with the id "page"')
openSettings()
createRoot(root).render(
  <StrictMode>
    <Page />
  </StrictMode>,
)
