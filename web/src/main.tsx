import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { Application } from './application.tsx'
import { applyTheme, chosenTheme } from './frame/theme.ts'
import './style/base.css'

applyTheme(chosenTheme())
const place = document.getElementById('application')
if (!place) throw new Error('index.html has no place for the application')
createRoot(place).render(
  <StrictMode>
    <Application />
  </StrictMode>,
)
