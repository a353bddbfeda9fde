/** @jsxImportSource preact */
import { render } from 'preact';
import '../theme.css';
import './edge.css';
import { Page } from './page.tsx';

const root = document.getElementById('app');
if (root !== null) render(<Page />, root);
