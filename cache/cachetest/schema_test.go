package cachetest_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/asidecache/aside/cache/cachetest"
	"github.com/asidecache/aside/codec"
)

// The flag -update works in packages that define it, or import one that does, and in others.
func TestUpdateFlag(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run := func(env string, flags ...string) (string, error) {
		args := []string{"test", "-count=1", "-vet=off", "-run=^(TestSchema|TestGolden)$", "./testdata/update/without", "./testdata/update/own", "./testdata/update/imported"}
		cmd := exec.CommandContext(t.Context(), "go", append(args, flags...)...)
		cmd.Env = append(os.Environ(), "SCHEMAS="+dir, env)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := run("UPDATE=")
	if err == nil || strings.Count(out, "user.schema; write it with") != 3 || strings.Contains(out, "panic") {
		t.Errorf("without files: %v\n%s", err, out)
	}
	if out, err := run("UPDATE=1", "-update"); err != nil {
		t.Fatalf("with -update: %v\n%s", err, out)
	}
	if out, err := run("UPDATE="); err != nil {
		t.Errorf("with the files that it wrote: %v\n%s", err, out)
	}
	written, err := filepath.Glob(filepath.Join(dir, "*", "user.schema"))
	if err != nil || len(written) != 3 {
		t.Errorf("it wrote %v, %v", written, err)
	}
	for _, file := range written {
		if err := os.WriteFile(file, []byte("aside schema 1\nredis type: string\nvalue: struct (msgpack)\nvalue.Old: int\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err = run("UPDATE=", "-update=false")
	if err == nil || strings.Count(out, "field Old seems to be renamed to ID: ") != 3 {
		t.Errorf("with another schema: %v\n%s", err, out)
	}
}

func TestSchemaCompares(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "no folder", "s.schema")
	c := codec.Msgpack[struct{ ID int }]()
	want := "there is no " + file + "; write it with\n\tgo test -run '^TestSchemaCompares$' -update\nand commit it"
	if got := schemaFails(t, c, file); got != "cachetest: "+want {
		t.Errorf("without a file it says\n%s", got)
	}
	text := cachetest.Description(c)
	for content, want := range map[string]string{
		text:                                   "",
		strings.ReplaceAll(text, "\n", "\r\n"): "",
		"":                                     `its first line is not "aside schema 1"`,
		strings.Replace(text, "schema 1", "schema 2", 1): `its first line is not "aside schema 1"`,
		text + "value.ID: int\n":                         "its line 5 is none of a description: value.ID: int",
		"aside schema 1\nredis type: string\n":           "lines are missing",
		text + "value.B: int\n":                          "field B is gone",
	} {
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		got := schemaFails(t, c, file)
		if want == "" && got != "" || !strings.Contains(got, want) || want != "" && !strings.HasSuffix(got, " -update") {
			t.Errorf("of %q it says\n%s", content, got)
		}
	}
}

// A silent value does not say what it stores.
type silent struct{ codec.Value[int] }

type failing struct{ codec.Value[int] }

func (failing) Check() error { return errors.New("it is built wrongly") }

func TestSchemaRefuses(t *testing.T) {
	t.Parallel()
	inner := silent{codec.Text[int]()}
	const want = "cachetest: codec: a cachetest_test.silent does not say what it stores; give it the method Schema of codec.Describer"
	for name, c := range map[string]codec.Codec[int]{
		"a value": codec.String[int](inner),
		"wrapped": codec.Encrypt(codec.Compress[int](inner, codec.S2, 0), keys),
	} {
		if got := schemaFails(t, c, "x.schema"); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
	if got := schemaFails(t, codec.List[int](inner), "x.schema"); got != want {
		t.Errorf("list: %s", got)
	}
	if got := schemaFails(t, codec.String[int](failing{}), "x.schema"); got != "cachetest: it is built wrongly" {
		t.Error(got)
	}
	if got := schemaFails(t, codec.Text[struct{}](), "x.schema"); !strings.Contains(got, "has no text form") {
		t.Error(got)
	}
}
