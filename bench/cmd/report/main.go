// Report compares aside with other libraries and writes what it found to a folder:
// report.md and plots.
//
//	go run ./cmd/report                # everything, under 20 minutes on 2 cores
//	go run ./cmd/report -quick         # to see that it works, about a minute
//	go run ./cmd/report -only hit,miss # some of it
//
// It starts the Redis servers it needs, and ends them. Where it finds none, it says
// what to install.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/asidecache/aside/bench/scenario"
	"github.com/asidecache/aside/bench/server"
)

func main() {
	if is, err := scenario.Worker(); is {
		exit(err)
	}
	quick := flag.Bool("quick", false, "few rounds and small sizes: about a minute, for seeing that it works")
	out := flag.String("out", "", "the folder for report.md and the plots (default results, or results/quick with -quick)")
	only := flag.String("only", "", "run only these scenarios, separated by commas: "+strings.Join(scenario.Names(), ", "))
	flag.Parse()
	if *out == "" {
		*out = "results"
		if *quick {
			*out = filepath.Join(*out, "quick")
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	exit(run(ctx, *quick, *out, *only))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func run(ctx context.Context, quick bool, out, only string) error {
	program, others, err := server.Find()
	if err != nil {
		return err
	}
	began := time.Now()
	lab := &scenario.Lab{Server: program, Others: others, Quick: quick, Progress: func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, "%6.1f s  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
	}}
	var names []string
	if only != "" {
		names = strings.Split(only, ",")
	}
	page, err := scenario.Page(ctx, lab, names)
	if err != nil {
		return err
	}
	if err := page.Write(out); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "written:", filepath.Join(out, "report.md"))
	return nil
}
