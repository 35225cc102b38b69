package main

import (
	"context"
	"flag"
	"strings"

	"github.com/asidecache/aside/internal/explain"
)

var inspectCommand = &command{
	name: "inspect", args: "KEY...",
	short: "says why a key is as it is",
	long: `
Says of each key whether there is a value, of which type and size, and for how long; what its
control key says; which versions of it stand; and where in a cluster it lies. A key is any: that
of a value, a control key, or another one that caches use. "-" reads keys from the standard input,
one a line. It only reads. Names of keys and of fields are printed, values are not.
`,
	flags: func(a *app, f *flag.FlagSet) func(context.Context, []string) (int, error) {
		show := f.Bool("show", false, "print values too, or their beginning")
		name := f.String("name", "", "the `NAME` of the cache, if the key has several colons")
		return func(ctx context.Context, args []string) (int, error) {
			keys, err := a.keys(args)
			if err != nil {
				return exitUsage, err
			}
			opt := a.options()
			opt.ShowValue, opt.Name = *show, *name
			return a.inspect(ctx, keys, opt)
		}
	},
}

func (a *app) inspect(ctx context.Context, keys []string, opt explain.Options) (int, error) {
	code := exitNotFound
	for i, key := range keys {
		r, err := explain.Key(ctx, a.rdb, key, opt)
		if err != nil {
			return exitRedis, err
		}
		if r.Exists() {
			code = exitOK
		}
		text := strings.Join(r.Sentences, "\n")
		if len(keys) > 1 {
			text = explain.Printable(key) + "\n" + text
			if i > 0 {
				text = "\n" + text
			}
		}
		if err := a.print(r, text); err != nil {
			return exitRedis, err
		}
	}
	return code, nil
}
