import type { HttpAnswer } from '../api/answer.ts'

/** Defined by the bundler (scripts/bundle.mjs): script and style of the page, built from src/http/page. */
declare const LUNKEEPER_PAGE: { readonly script: string; readonly style: string } | undefined

/** Script and style of the page. */
export interface PageCode {
  readonly script: string
  readonly style: string
}

/** The page in the built program. Empty if the program runs from its sources; tests build their own. */
export function builtPage(): PageCode {
  return typeof LUNKEEPER_PAGE === 'undefined' ? { script: '', style: '' } : LUNKEEPER_PAGE
}

/**
 * Content Security Policy Level 3. The page loads nothing from other hosts, has nothing inline, cannot be framed, and sends
 * no form elsewhere. Strings cannot become markup or code (Trusted Types).
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

/** Headers of every answer of the page and the API. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'permissions-policy': 'camera=(), microphone=(), geolocation=(), usb=()',
}

/** The files of the page by path. They contain nothing about the node. */
export function pageFiles({ script, style }: PageCode): ReadonlyMap<string, HttpAnswer> {
  const file = (type: string, body: string): HttpAnswer => ({ status: 200, type, body: Buffer.from(body) })
  return new Map([
    ['/', file('text/html; charset=utf-8', DOCUMENT)],
    ['/page.js', file('text/javascript; charset=utf-8', script)],
    ['/page.css', file('text/css; charset=utf-8', style)],
    ['/icon.svg', file('image/svg+xml', ICON)],
  ])
}

const DOCUMENT = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Lunkeeper</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/page.css">
<script type="module" src="/page.js"></script>
</head>
<body>
<div id="page"><main><h1>Lunkeeper</h1><p>Reading the node …</p></main></div>
<p id="news" role="status" aria-live="polite" class="unseen"></p>
<noscript><main><p>This page needs JavaScript. On the node, these commands show the same: <code>lunkeeper volumes</code>,
<code>lunkeeper sessions</code>, <code>lunkeeper doctor</code>; as JSON: <a href="/api/v1/volumes">/api/v1/volumes</a>.</p></main></noscript>
</body>
</html>
`

/** The icon: a disk with a pause sign. */
const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#0969da"/><g fill="none" stroke="#fff" stroke-width="2.5"><ellipse cx="16" cy="10" rx="8" ry="3.2"/><path d="M8 10v12c0 1.8 3.6 3.2 8 3.2s8-1.4 8-3.2V10"/><path d="M13 15.5v5m6-5v5" stroke-linecap="round"/></g></svg>
`
