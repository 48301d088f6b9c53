package web

import "embed"

// ConsoleTemplates holds the console's html/template files, one page a file, under templates/.
//
//go:embed templates/*.html
var ConsoleTemplates embed.FS

// ConsoleStatic holds what the console's pages load, under static/: the style sheet, the islands, the comet mark.
//
//go:embed static/*.css static/*.js static/*.svg
var ConsoleStatic embed.FS
