package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"github.com/asidecache/aside/internal/explain"
	"github.com/asidecache/aside/internal/keyspace"
)

// Exit codes.
const (
	exitOK       = 0
	exitNotFound = 1
	exitUsage    = 2
	exitRedis    = 3
)

func main() {
	logging.Disable() // go-redis writes to stderr what the errors say as well
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// An app is one run of the program.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer

	url     string
	cluster bool
	json    bool
	prefix  string
	timeout time.Duration
	quoted  bool
	files   pemFiles

	rdb redis.UniversalClient
}

// A command is one word of the command line.
type command struct {
	name, args, short, long string
	// flags adds flags, and returns what the command does with its arguments.
	flags func(a *app, f *flag.FlagSet) func(ctx context.Context, args []string) (int, error)
}

var commands = []*command{inspectCommand, watchCommand, keysCommand, deleteCommand, duCommand}

// A usageError is one in the command line.
type usageError string

func (e usageError) Error() string { return string(e) }

// run runs the program, and returns its exit code.
func run(
	ctx context.Context, args []string, env func(string) string,
	stdin io.Reader, stdout, stderr io.Writer,
) int {
	a := &app{
		stdin: stdin, stdout: stdout, stderr: stderr,
		url: env("REDIS_URL"), timeout: explain.DefaultTimeout,
	}
	code, err := a.run(ctx, args)
	var usage usageError
	switch {
	case errors.As(err, &usage):
		a.complain(err.Error())
		fmt.Fprintln(stderr, "Run aside -h for help.")
		return exitUsage
	case err != nil && ctx.Err() != nil:
		a.complain("interrupted")
		return exitRedis
	case err != nil:
		a.complain(a.hint(err).Error())
		return exitRedis
	}
	return code
}

func (a *app) run(ctx context.Context, args []string) (int, error) {
	global := a.flagSet("aside")
	help, err := parse(global, args)
	if help || err != nil {
		if help {
			a.help()
		}
		return exitOK, err
	}
	if global.NArg() == 0 {
		return exitUsage, usageError("no command is given: say what to do, such as inspect user:42")
	}
	name := global.Arg(0)
	i := slices.IndexFunc(commands, func(c *command) bool { return c.name == name })
	switch {
	case name == "help":
		a.help()
		return exitOK, nil
	case i < 0:
		return exitUsage, usageError(
			fmt.Sprintf("there is no command %q: the commands are %s", name, names()))
	}
	c := commands[i]
	f := a.flagSet("aside " + name)
	do := c.flags(a, f)
	if help, err = parse(f, global.Args()[1:]); help || err != nil {
		if help {
			a.helpOf(c, f)
		}
		return exitOK, err
	}
	if err := checkOrder(f, global.Args()[1:]); err != nil {
		return exitUsage, err
	}
	if err := a.connect(); err != nil {
		return exitUsage, err
	}
	defer a.rdb.Close()
	return do(ctx, f.Args())
}

// flagSet returns the flags that stand in front of a command or behind it.
func (a *app) flagSet(name string) *flag.FlagSet {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&a.url, "url", a.url, "")
	f.BoolVar(&a.cluster, "cluster", a.cluster, "")
	f.BoolVar(&a.json, "json", a.json, "")
	f.StringVar(&a.prefix, "prefix", a.prefix, "")
	f.DurationVar(&a.timeout, "timeout", a.timeout, "")
	f.BoolVar(&a.quoted, "quoted", a.quoted, "")
	f.StringVar(&a.files.authorities, "cacert", a.files.authorities, "")
	f.StringVar(&a.files.cert, "cert", a.files.cert, "")
	f.StringVar(&a.files.key, "key", a.files.key, "")
	return f
}

// parse parses flags, and reports whether help was asked for.
func parse(f *flag.FlagSet, args []string) (help bool, err error) {
	err = f.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return true, nil
	}
	if err != nil {
		text := err.Error()
		if before, _, found := strings.Cut(text, " for flag -url"); found { // which may have a password
			text = before
		}
		return false, usageError(text)
	}
	return false, nil
}

// checkOrder returns an error for a flag behind a key, which would be taken for one.
func checkOrder(f *flag.FlagSet, args []string) error {
	if rest := f.Args(); len(args) > len(rest) && args[len(args)-len(rest)-1] == "--" {
		return nil
	}
	for _, arg := range f.Args() {
		name := strings.TrimLeft(arg, "-")
		name, _, _ = strings.Cut(name, "=")
		if strings.HasPrefix(arg, "-") && f.Lookup(name) != nil {
			return usageError(fmt.Sprintf("the flag -%s stands behind a key: "+
				"put flags in front, or -- in front of keys that begin with a dash", name))
		}
	}
	return nil
}

// connect makes the client, which does not connect yet.
func (a *app) connect() error {
	if a.timeout <= 0 {
		return usageError("-timeout has to be above 0")
	}
	var p keyspace.Problems
	if p.CheckPrefix("", a.prefix); len(p) > 0 {
		return usageError("-prefix: " + p[0].Error())
	}
	rdb, err := a.open()
	a.rdb = rdb
	return err
}

// keys returns the keys that are given, one a line of the standard input for "-".
func (a *app) keys(args []string) ([]string, error) {
	if len(args) == 0 {
		return nil, usageError("no key is given")
	}
	if len(args) > 1 || args[0] != "-" {
		if !a.quoted {
			return args, nil
		}
		keys := make([]string, len(args))
		for i, arg := range args {
			key, ok := unquote(arg)
			if !ok {
				return nil, usageError("-quoted: a key that begins with a quote " +
					"is no string in the notation of Go")
			}
			keys[i] = key
		}
		return keys, nil
	}
	text, err := io.ReadAll(a.stdin)
	if err != nil {
		return nil, fmt.Errorf("the standard input cannot be read: %w", err)
	}
	var keys []string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			continue
		}
		key, ok := unquote(line)
		if !ok {
			return nil, usageError("a line of the standard input begins with a quote " +
				"and is no string in the notation of Go")
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func (a *app) options() explain.Options {
	return explain.Options{ControlPrefix: a.prefix, Timeout: a.timeout}
}

func names() string {
	all := make([]string, len(commands))
	for i, c := range commands {
		all[i] = c.name
	}
	return strings.Join(all, ", ")
}
