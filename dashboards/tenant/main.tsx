/** @jsxImportSource preact */
import { render } from 'preact';
import '../theme.css';
import './tenant.css';
import 'uplot/dist/uPlot.min.css';
import { Page } from './page.tsx';

const root = document.getElementById('app');
const token = location.pathname.split('/')[2] ?? '';
if (root !== null) render(<Page api={`/api/v1/tenant/${encodeURIComponent(token)}`} />, root);
