// Package script runs tests that are written as text. A file is a row of blocks: lines of commands, a line of four dashes, and
// what the commands answered, up to an empty line. Lines that begin with # are comments. A file that is rewritten with what is
// answered now shows as a diff what changed.
//
// A command is a name and words; words of the form key=value are options. Start reading at Run.
package script

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const divider = "----"

// Command is one line of a script.
type Command struct {
	Name    string
	Words   []string // those that are no options
	Options map[string]string
}

// Run runs each file that matches the pattern as a test of its own, on what start returns for it. With update it rewrites the
// files.
func Run(t *testing.T, pattern string, update bool, start func(t *testing.T) func(Command) string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no script matches %s: %v", pattern, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := execute(string(text), start(t))
			if got == string(text) {
				return
			}
			if !update {
				t.Fatalf("%s: run with -update and read the diff\n%s", file, difference(string(text), got))
			}
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// execute returns the script with the answers that do gives now.
func execute(text string, do func(Command) string) string {
	var written, answers strings.Builder
	answering := false
	for _, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		switch {
		case line == divider:
			answering = true
			fmt.Fprintf(&written, "%s\n%s", divider, answers.String())
			answers.Reset()
			continue
		case answering && line != "":
			continue // what was answered before
		case line != "" && !strings.HasPrefix(line, "#"):
			answers.WriteString(strings.TrimRight(do(parse(line)), "\n") + "\n")
		}
		answering = false
		written.WriteString(line + "\n")
	}
	return written.String()
}

func parse(line string) Command {
	words := strings.Fields(line)
	command := Command{Name: words[0], Options: map[string]string{}}
	for _, word := range words[1:] {
		if key, value, found := strings.Cut(word, "="); found {
			command.Options[key] = value
		} else {
			command.Words = append(command.Words, word)
		}
	}
	return command
}

// Word returns the i-th word, empty where there are fewer.
func (c Command) Word(i int) string {
	if i < len(c.Words) {
		return c.Words[i]
	}
	return ""
}

// Number returns an option as a number, otherwise where it is not given. It panics on anything else.
func (c Command) Number(option string, otherwise int64) int64 {
	text, given := c.Options[option]
	if !given {
		return otherwise
	}
	number, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		panic(fmt.Sprintf("%s: option %s: %v", c.Name, option, err))
	}
	return number
}

// difference shows the first lines that are not the same.
func difference(want, got string) string {
	wanted, gotten := strings.Split(want, "\n"), strings.Split(got, "\n")
	at := 0
	for at < min(len(wanted), len(gotten)) && wanted[at] == gotten[at] {
		at++
	}
	show := func(lines []string) string {
		return strings.Join(lines[min(at, len(lines)):min(at+8, len(lines))], "\n")
	}
	return fmt.Sprintf("from line %d\nwant:\n%s\ngot:\n%s", at+1, show(wanted), show(gotten))
}
