package main

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"io"
	"os/exec"
	"strings"
)

//go:embed interop.py
var program string

// runPython lets the Python program do one of its steps.
func runPython(ctx context.Context, out io.Writer, python, addr, step string) error {
	var says bytes.Buffer
	cmd := exec.CommandContext(ctx, python, "-", addr, step)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(program), out, &says
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("python, step %s: %w\n%s", step, err, says.Bytes())
	}
	return nil
}
