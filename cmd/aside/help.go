package main

import (
	"flag"
	"fmt"
	"strings"
)

const intro = `aside looks at what the caches of a service keep in Redis.

	aside [flags] command [flags] [arguments]

Commands:

`

const globalFlags = `
Flags, in front of the command or behind it:

  -url URL        of Redis; the environment's REDIS_URL if it is not given
  -cluster        the URL is that of a node of a cluster
  -prefix PREFIX  the ControlPrefix of the caches, if they have another than aside:
  -timeout 5s     how long to wait for an answer
  -json           one JSON object a line
  -quoted         keys that begin with a double quote are strings in the notation of Go, as
                  keys are printed that hold what no line should
  -cacert FILE    with rediss://, the authorities to trust, in place of the system's
  -cert FILE      with rediss://, the certificate of this client, for a server that asks for it
  -key FILE       the private key of that; all three files are in PEM

URLs are those of go-redis:

  redis://user:password@host:6379/0                    one server
  rediss://host:6379                                   with TLS
  unix:///run/redis.sock?db=0                          by a socket
  redis://host:6379?addr=host2:6379&addr=host3:6379    a cluster, as is any with -cluster
  redis://host:26379?addr=host2:26379&master_name=main by Sentinels; username= and password=
                                                       are then those of the servers

`

const exitCodes = `Exit codes: 0 for what was found or done, 1 where there is no such key, 2 for a command line that
cannot be understood, 3 when Redis does not answer or refuses, or the program is interrupted; watch
ends by that, with 0.
`

// help prints how the program is used.
func (a *app) help() {
	fmt.Fprint(a.stdout, intro)
	for _, c := range commands {
		fmt.Fprintf(a.stdout, "  %-18s %s\n", c.name+" "+c.args, c.short)
	}
	fmt.Fprint(a.stdout, "\naside command -h says more of one.\n", globalFlags, exitCodes)
}

// helpOf prints how a command is used.
func (a *app) helpOf(c *command, f *flag.FlagSet) {
	fmt.Fprintf(a.stdout, "\taside [flags] %s [flags] %s\n\n%s\n", c.name, c.args, strings.TrimLeft(c.long, "\n"))
	flags := 0
	f.VisitAll(func(fl *flag.Flag) {
		if fl.Usage == "" { // one of those in the general help
			return
		}
		if flags++; flags == 1 {
			fmt.Fprint(a.stdout, "Flags:\n\n")
		}
		name, usage := flag.UnquoteUsage(fl)
		fmt.Fprintf(a.stdout, "  -%-15s %s\n", strings.TrimSpace(fl.Name+" "+name), usage)
	})
	if flags > 0 {
		fmt.Fprintln(a.stdout)
	}
	fmt.Fprint(a.stdout, "aside -h has the flags of all commands.\n")
}
