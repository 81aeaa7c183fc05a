import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'

const here = fileURLToPath(new URL('.', import.meta.url))

export default defineConfig({
  root: here,
  // Addresses that do not depend on the path below which a proxy shows the server.
  base: './',
  // The server puts a fresh nonce in its place with every answer: see src/http/web.ts.
  html: { cspNonce: '__NONCE__' },
  plugins: [react(), compressed()],
  build: {
    outDir: join(here, 'dist'),
    emptyOutDir: true,
    target: ['chrome123', 'firefox121', 'safari17.5'],
    // An inlined font or picture would need `data:` in the policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  // `npx vite web` shows changes at once, with the answers of a server that runs beside it.
  server: { proxy: { '/api': process.env.BACKTRAIL_URL ?? 'http://127.0.0.1:8080' } },
})

/** Puts a brotli and a gzip copy beside every text file, which the server sends as they are. */
function compressed(): Plugin {
  let assets = ''
  return {
    name: 'compressed',
    apply: 'build',
    configResolved({ root, build }) {
      assets = join(resolve(root, build.outDir), 'assets')
    },
    closeBundle() {
      for (const name of readdirSync(assets)) {
        if (!/\.(?:js|css|svg)$/.test(name)) continue
        const content = readFileSync(join(assets, name))
        writeFileSync(join(assets, `${name}.gz`), gzipSync(content, { level: 9 }))
        const params = { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_SIZE_HINT]: content.length }
        writeFileSync(join(assets, `${name}.br`), brotliCompressSync(content, { params }))
      }
    },
  }
}
