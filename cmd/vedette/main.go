package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// version is set by the linker.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() {
		// The first signal ends the work in order; after it the default handler is back,
		// so a second one exits at once. The spool makes that safe.
		<-ctx.Done()
		stop()
	}()
	p := &program{stdout: os.Stdout, stderr: os.Stderr, env: os.LookupEnv}
	os.Exit(p.main(ctx, os.Args[1:]))
}

// program is everything that the verbs use of the outside, so that a test can run the
// real thing.
type program struct {
	stdout, stderr io.Writer
	env            func(string) (string, bool)
	// ready, when set, is told where the console listens and the one-time password, if
	// one was made.
	ready func(url, password string)
}

// cli is the command line.
type cli struct {
	LogLevel  string `help:"debug, info, warn or error." default:"info" enum:"debug,info,warn,error" env:"VEDETTE_LOG_LEVEL"`
	LogFormat string `help:"text or json." default:"text" enum:"text,json" env:"VEDETTE_LOG_FORMAT"`

	Run      runCmd          `cmd:"" help:"Watch the cameras of a configuration file."`
	Demo     demoCmd         `cmd:"" help:"Show vedette at work: a film plays from a camera in a box and the service watches it."`
	Check    checkCmd        `cmd:"" help:"Check a configuration file; says every mistake at once. Exit code 0 or 1."`
	Schema   schemaCmd       `cmd:"" help:"Print the JSON Schema of the configuration file, for editors."`
	Analyze  analyzeCmd      `cmd:"" help:"Run a camera's detection over a video file, as fast as the machine goes."`
	Redact   redactCmd       `cmd:"" help:"Make a marked working copy of a clip in which other people or regions are unrecognisable."`
	Export   exportCmd       `cmd:"" help:"Make an exhibit package of incidents, for the police or a court."`
	Verify   verifyCmd       `cmd:"" help:"Check an exhibit package, with nothing but the package. Exit code 0 or 1."`
	Hold     holdCmd         `cmd:"" help:"Keep the evidence of incidents from being deleted, also while vedette runs."`
	Release  releaseCmd      `cmd:"" help:"Take a hold away."`
	Reindex  reindexCmd      `cmd:"" help:"Make the index anew from what lies in the bucket, for the day when it is lost."`
	Log      logCmd          `cmd:"" help:"The custody log: who did what to which evidence; show and verify it."`
	Keys     keysCmd         `cmd:"" help:"The key that signs for this recorder: list, export, rotate."`
	Recall   recallCmd       `cmd:"" help:"Take continuous footage of a camera out as one MP4, also while vedette runs."`
	Report   reportCmd       `cmd:"" help:"Learn from the incidents of a period: precision."`
	Models   modelsCmd       `cmd:"" help:"The weights of the object detector: list, pull, verify."`
	User     userCmd         `cmd:"" help:"Who may log in and what they may do, also while vedette runs: list, add, role, disable, unlock, password, token."`
	Password userPasswordCmd `cmd:"" hidden:"" help:"As vedette user password."`
	Version  versionCmd      `cmd:"" help:"Print the version."`
}

// errReported ends a verb whose trouble has been told already.
var errReported = errors.New("reported")

func (p *program) main(ctx context.Context, args []string) int {
	var c cli
	exit := -1
	parser, err := kong.New(&c, kong.Name("vedette"),
		kong.Description("Video analytics and CCTV incident detector: footage that can be recalled, instead of what a witness remembers."),
		kong.Writers(p.stdout, p.stderr), kong.Exit(func(code int) { exit = code }),
		kong.UsageOnError(), kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		fmt.Fprintln(p.stderr, "vedette:", err)
		return 2
	}
	kctx, err := parser.Parse(args)
	if exit >= 0 { // --help
		return exit
	}
	if err != nil {
		fmt.Fprintf(p.stderr, "vedette: %v\nSee: vedette --help\n", err)
		return 2
	}
	kctx.BindTo(ctx, (*context.Context)(nil))
	kctx.Bind(p, p.logger(c.LogLevel, c.LogFormat))
	switch err := kctx.Run(); {
	case err == nil:
		return 0
	case errors.Is(err, errReported):
		return 1
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		fmt.Fprintln(p.stderr, "vedette: stopped")
		return 130
	default:
		fmt.Fprintln(p.stderr, "vedette:", err)
		return 1
	}
}

func (p *program) logger(level, format string) *slog.Logger {
	var l slog.Level
	_ = l.UnmarshalText([]byte(level)) // kong has checked it
	o := &slog.HandlerOptions{Level: l}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(p.stderr, o))
	}
	return slog.New(slog.NewTextHandler(p.stderr, o))
}

type versionCmd struct{}

func (versionCmd) Run(p *program) error {
	_, err := fmt.Fprintln(p.stdout, "vedette", version)
	return err
}
