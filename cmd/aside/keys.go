package main

import (
	"context"
	"flag"

	"github.com/asidecache/aside/internal/explain"
	"github.com/asidecache/aside/internal/rediskey"
)

var keysCommand = &command{
	name: "keys", args: "PATTERN",
	short: "lists keys of values, such as 'user:*'",
	long: `
Lists the keys of values that match a pattern, which is one of Redis: * for anything, ? for a
byte, [abc] for one of these, \ in front of what stands for itself. It goes through all keys of all
masters by SCAN, which stops no server. With -name it lists the keys of one cache, in all versions.
A key that is written meanwhile may be missing, or be there twice. Keys that a line should not hold
are printed as strings in the notation of Go, which the other commands read with -quoted or by "-".
`,
	flags: func(a *app, f *flag.FlagSet) func(context.Context, []string) (int, error) {
		control := f.Bool("control", false, "list control keys as well, of keys that match")
		name := f.String("name", "", "list the keys of the cache of this `NAME`, in all versions")
		return func(ctx context.Context, args []string) (int, error) {
			switch {
			case *name == "" && len(args) != 1:
				return exitUsage, usageError("keys takes one pattern, in quotes, as in 'user:*'")
			case *name != "" && len(args) > 0:
				return exitUsage, usageError("keys takes a pattern or -name, not both")
			}
			pattern := glob("*")
			if *name == "" {
				pattern = glob(args[0])
			}
			return a.list(ctx, pattern, *name, *control)
		}
	},
}

// A listed is the JSON of a key in a list.
type listed struct {
	named
	Role    string `json:"role"`           // value, control, staged, prefix or unknown
	Name    string `json:"name,omitempty"` // of a version's key
	Version int    `json:"version"`
}

func (a *app) list(ctx context.Context, pattern glob, name string, control bool) (int, error) {
	match := pattern
	switch {
	case name != "" && !control:
		match = literal(name) + "*"
	case control:
		match = "*"
	}
	code := exitNotFound
	p, seen := a.progress(), 0
	defer p.end()
	err := a.scan(ctx, match, func(keys []string) error {
		seen += len(keys)
		for _, key := range keys {
			parsed := rediskey.Parse(a.prefix, key)
			if !a.lists(parsed, key, pattern, name, control) {
				continue
			}
			code = exitOK
			l := listed{nameOf(key), explain.RoleName(parsed.Role), parsed.Name, parsed.Version}
			if err := a.print(l, explain.Printable(key)); err != nil {
				return err
			}
		}
		p.say("%d keys were found so far", seen)
		return nil
	})
	return code, err
}

// lists reports whether a key is to be listed.
func (a *app) lists(p rediskey.Parsed, key string, pattern glob, name string, control bool) bool {
	of := key // what has to match
	if p.Role != rediskey.RoleValue {
		if of = p.Plain; !control || of == "" {
			return false
		}
	}
	if name == "" {
		return pattern.matches(of)
	}
	return p.Name == name || p.Name == "" && len(of) > len(name) && of[:len(name)+1] == name+":"
}
