package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed" // the client's files
	"encoding/base64"
	"net/http"
	"strings"
	"sync"
)

// The JS client, built from js/src and committed, so that building Halley needs neither Node nor esbuild.
//
//go:generate go tool -modfile=../test/tools/go.mod esbuild js/src/global.ts --bundle --minify --target=es2020 --format=iife --log-level=warning --outfile=js/dist/halley.js
//go:generate go tool -modfile=../test/tools/go.mod esbuild js/src/module.ts --bundle --minify --target=es2020 --format=esm --log-level=warning --outfile=js/dist/halley.mjs
//go:generate go tool -modfile=../test/tools/go.mod esbuild js/src/pusher.ts --bundle --minify --target=es2020 --format=iife --log-level=warning --outfile=js/dist/halley-pusher.js
var (
	//go:embed js/dist/halley.js
	clientScript []byte
	//go:embed js/dist/halley.mjs
	clientModule []byte
	//go:embed js/dist/halley-pusher.js
	clientPusher []byte
)

// Client serves the JS client to pages of any origin: /halley.js as a script that makes the global Halley, /halley.mjs as a module, and
// /halley-pusher.js, which makes pusher-js resume.
func Client() http.Handler {
	files := sync.OnceValue(func() map[string]clientFile {
		return map[string]clientFile{
			"halley.js": newClientFile(clientScript), "halley.mjs": newClientFile(clientModule),
			"halley-pusher.js": newClientFile(clientPusher),
		}
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		file, found := files()[strings.TrimPrefix(r.URL.Path, "/")]
		if !found {
			http.NotFound(w, r)
			return
		}
		file.serve(w, r)
	})
}

// clientFile is one file as it is and as it is sent to those who take gzip.
type clientFile struct {
	plain, zipped []byte
	tag           string
}

func newClientFile(plain []byte) clientFile {
	var zipped bytes.Buffer
	writer, _ := gzip.NewWriterLevel(&zipped, gzip.BestCompression) // the level is valid
	_, _ = writer.Write(plain)                                      // a bytes.Buffer takes everything
	_ = writer.Close()
	sum := sha256.Sum256(plain)
	return clientFile{plain: plain, zipped: zipped.Bytes(), tag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
}

func (f clientFile) serve(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Type", "text/javascript; charset=utf-8")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Access-Control-Allow-Origin", "*")
	header.Set("Cross-Origin-Resource-Policy", "cross-origin")
	header.Set("Cache-Control", "public, max-age=300")
	header.Set("ETag", f.tag)
	header.Set("Vary", "Accept-Encoding")
	if r.Header.Get("If-None-Match") == f.tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := f.plain
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		header.Set("Content-Encoding", "gzip")
		body = f.zipped
	}
	_, _ = w.Write(body) // a client that has gone is nobody's fault
}
