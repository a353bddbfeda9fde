import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import '../theme.css';
import './staff.css';
import './meter.css';
import './tree.css';
import './billing.css';
import './terms.css';
import 'uplot/dist/uPlot.min.css';
import { App } from './app.tsx';

const root = document.getElementById('app');
if (root !== null)
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
