package main

import (
	"github.com/alecthomas/kong"
)

// commands is the command line: the flags that every command has, then the commands.
type commands struct {
	Config kong.ConfigFlag `placeholder:"FILE" env:"HALLEY_CONFIG" help:"JSON file of settings: one object whose keys are flag names without the dashes. Environment variables win over it, flags over both."`
	Log    logConfig       `embed:"" prefix:"log-"`

	Serve     serveCommand     `cmd:"" help:"Run a node: API, sockets and console in one process."`
	Migrate   migrateCommand   `cmd:"" help:"Bring the database to this version's schema. serve does so too."`
	Admin     adminCommand     `cmd:"" help:"Manage accounts, apps, rules and limits directly in the database, also while nodes run."`
	Publish   publishCommand   `cmd:"" help:"Publish one message."`
	Subscribe subscribeCommand `cmd:"" help:"Follow channels and print each message as one line of JSON."`
	Token     tokenCommand     `cmd:"" help:"Get a token that lets a client do what you name, for a while."`
	Verify    verifyCommand    `cmd:"" help:"Load and hurt a cluster, and check that it keeps its promises."`
	Bench     benchCommand     `cmd:"" help:"Measure what deliveries, publishes and connections cost, and that none is lost."`
	Version   versionCommand   `cmd:"" help:"Print the version."`
}

const description = "Halley pushes messages to browsers and devices: publish over HTTP, receive over WebSocket, " +
	"server-sent events or long poll, and come back after a break exactly where you were."

// newParser makes the parser of a command line into grammar. It calls exit where it has answered by itself: for --help.
func newParser(grammar *commands, p process, exit func(code int)) (*kong.Kong, error) {
	return kong.New(grammar,
		kong.Name("halley"),
		kong.Description(description),
		kong.Writers(p.stdout, p.stderr),
		kong.Exit(exit),
		kong.Configuration(loadConfigFile),
		kong.ValueFormatter(describe),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: helpWidth}),
	)
}

// helpWidth keeps lines readable on wide terminals.
const helpWidth = 110

// describe is the help of a flag, with its environment variable behind.
func describe(value *kong.Value) string {
	if len(value.Tag.Envs) == 0 {
		return value.Help
	}
	return value.Help + " [$" + value.Tag.Envs[0] + "]"
}
