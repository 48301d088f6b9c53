package main

import (
	"fmt"
	"runtime/debug"
)

type versionCommand struct{}

// Run prints version, Go and commit on one line.
func (versionCommand) Run(p *process) error {
	b := readBuild()
	_, err := fmt.Fprintf(p.stdout, "halley %s (%s, commit %s)\n", b.version, b.goVersion, b.commit)
	return err
}

// build says which program this is.
type build struct{ version, goVersion, commit string }

// readBuild asks the linker's record. What was built from no repository has the commit "unknown".
func readBuild() build {
	b := build{version: "devel", commit: "unknown"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	b.goVersion = info.GoVersion
	if v := info.Main.Version; v != "" && v != "(devel)" {
		b.version = v
	}
	modified := false
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			b.commit = setting.Value
		case "vcs.modified":
			modified = setting.Value == "true"
		}
	}
	if modified {
		b.commit += "-modified"
	}
	return b
}
