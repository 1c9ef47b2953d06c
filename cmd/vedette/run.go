package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"reflect"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vedette-cctv/vedette/config"
	"github.com/vedette-cctv/vedette/incident"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/people"
	"github.com/vedette-cctv/vedette/pipeline"
	"github.com/vedette-cctv/vedette/storage"
	"github.com/vedette-cctv/vedette/storage/archive"
	"github.com/vedette-cctv/vedette/web"
)

type runCmd struct {
	Config string `short:"c" default:"vedette.yml" help:"The configuration file. Saving it applies it."`
}

// uploadGrace is how long a stop waits for uploads that have begun. What is not uploaded
// by then lies in the spool, and the next start goes on with it.
const uploadGrace = 15 * time.Second

// eventRing is how many messages a console that was away for a moment can catch up on.
const eventRing = 4096

func (c runCmd) Run(ctx context.Context, p *program, log *slog.Logger) error {
	source, err := os.ReadFile(c.Config)
	if err != nil {
		return err
	}
	cfg, err := config.Load(c.Config)
	if err != nil {
		return p.mistakes(err, source)
	}
	return (&service{program: p, log: log, cfg: cfg}).run(ctx)
}

// service is a running vedette.
type service struct {
	*program
	log *slog.Logger
	cfg *config.Config
	// optional makes the change of a generated password a suggestion (demo).
	optional bool

	started  time.Time
	status   atomic.Pointer[web.ConfigStatus]
	current  atomic.Pointer[config.Config] // in force now
	uploader *storage.Uploader
	keeper   *storage.Keeper
	hub      *web.Hub
	custody  *custodian
	footage  *archive.Archive
	notifier *notifier
	clock    *storage.StepClock
	files    files
	notices  atomic.Pointer[web.NoticeStatus] // as followStatus last found them
}

func (s *service) run(ctx context.Context) (err error) {
	s.started = time.Now()
	if synced, most, known := pipeline.HostClock(); known && !synced {
		s.log.Warn("no time server keeps this machine's clock, by which cameras are judged", "off_by_at_most", most,
			"hint", "timedatectl set-ntp true")
	}
	s.current.Store(s.cfg)
	if err := os.MkdirAll(s.cfg.Data, private); err != nil {
		return err
	}
	bucket, err := openBucket(s.cfg.Storage.Bucket)
	if err != nil {
		return err
	}
	if s.custody, err = openCustody(s.cfg, bucket, s.log); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.custody.Close()) }()
	spool, err := storage.OpenSpool(dataFile(s.cfg, "spool"), storage.SpoolOptions{Quota: s.cfg.Storage.Spool.Quota, Log: s.log,
		Identify: s.identify, Signer: s.custody.Keys, Custody: s.custody.Log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, spool.Close()) }()
	history := &config.History{Dir: dataFile(s.cfg, "config")}
	if err := history.Add(s.cfg, []byte(s.cfg.Source.Reveal()), s.started); err != nil {
		return err
	}
	if err := s.enter(ctx, models.ActStarted, s.cfg, "vedette "+version); err != nil {
		return err
	}
	s.status.Store(&web.ConfigStatus{Hash: s.cfg.Hash, Loaded: s.started})
	index, err := openIndex(ctx, s.cfg.Storage.Index)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, index.Close()) }()
	if err := checkLock(ctx, bucket, s.log); err != nil {
		return err
	}
	accounts, oneTime, err := people.Open(dataFile(s.cfg, "accounts.json"), people.Options{})
	if err != nil {
		return err
	}
	accounts.ChangeOptional = s.optional
	if s.optional && oneTime == "" {
		if oneTime, err = accounts.ResetPassword(people.AdminUser, people.Operator, nil); err != nil {
			return err
		}
	}
	listener, err := net.Listen("tcp", s.cfg.Web.Listen)
	if err != nil {
		return fmt.Errorf("web.listen: %w", err)
	}
	if s.notifier, err = newNotifier(s, index, storage.Evidence{Spool: spool, Bucket: bucket}, accounts); err != nil {
		return err
	}
	s.hub = web.NewHub(eventRing)
	if s.clock, err = storage.NewStepClock(ctx, index, storage.StepOptions{Log: s.log,
		Move:  func(in *models.Incident, step models.ClockStep) bool { return s.desk().Stepped(in, step) },
		Moved: func(step models.ClockStep, changed []models.IncidentID) { s.moved(index, step, changed) }}); err != nil {
		return err
	}
	s.notifier.watcher.Settle = s.clock.Settle
	age, err := storage.OpenAgeClock(dataFile(s.cfg, "retention-clock.json"), func() bool { synced, _, known := pipeline.HostClock(); return known && synced }, s.log)
	if err != nil {
		return err
	}
	s.notifier.dispatcher.Age = age.Now
	s.footage, err = openFootage(s.cfg, index, s.custody.Log, age, s.log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.footage.Close()) }()
	objects, closeObjects := objectDetector(s.cfg, s.log)
	defer closeObjects()

	s.keeper = newKeeper(s.cfg, index, bucket, s.log)
	s.keeper.Changed, s.keeper.Age = s.publish, age
	s.keeper.Signer, s.keeper.Custody = s.custody.Keys, web.OnBehalf{Log: s.custody.Log}
	s.uploader = &storage.Uploader{Spool: spool, Bucket: bucket, Index: index, Log: s.log,
		Custody: s.custody.Log, Expires: s.keeper.Expires, Stored: s.stored, Progress: s.publish}
	recall := newRecallAPI(s.footage, s.log)
	if s.files, err = s.openFiles(index, bucket, recall.recall); err != nil {
		return err
	}
	closing := make(chan struct{})
	desk := s.desk
	recorder := &pipeline.Recorder{Spool: spool, Index: index, Kick: s.uploader.Kick, Publish: s.publish, Log: s.log, Closing: closing,
		Enter:  func(in *models.Incident) { desk().Log(in, in.Opened.UTC()) },
		Raised: func(in *models.Incident, before models.Severity) { desk().Raised(in, before, time.Now().UTC()) }}
	watch := &pipeline.Service{
		Parts:    pipeline.Parts{Source: newSource(s.log), Decoder: newDecoder, Objects: objects},
		Recorder: recorder, Archive: s.footage, SpillDir: dataFile(s.cfg, "preroll"), Version: version, Log: s.log,
		OnHealth: func(h models.Health) { s.tell("camera", h) },
	}
	server := &web.Server{
		Incidents: touching{index, s.keeper, s.files.exhibits.Linked}, Evidence: storage.Evidence{Spool: spool, Bucket: bucket}, Cameras: cameras{watch},
		Accounts: accounts, Events: s.hub, Status: s.webStatus, Log: s.log,
		Ledger: ledger{index.(web.Ledger), s.keeper},
		Keeper: s.keeper, Recall: recall,
		Secure: s.cfg.Web.TLS() || s.cfg.Web.BehindProxy, BehindProxy: s.cfg.Web.BehindProxy,
		SessionLifetime: s.cfg.Web.Session.Lifetime, SessionIdle: s.cfg.Web.Session.Idle,
		Groups:   func(id models.CameraID) []string { return cameraGroups(s.current.Load(), id) },
		Policy:   func() models.Policy { return desk().Policy },
		Officers: func() []models.Officer { return officers(accounts, s.log) },
		Closed:   func(in models.Incident) { watch.Detach(in.Camera, in.ID) },
		Custody:  s.custody.Log, Keys: publicKeys(s.custody.Keys), CheckSignature: s.custody.check,
		Checks: []web.Check{
			{Name: "index", Essential: true, Run: func(ctx context.Context) error {
				_, err := index.List(ctx, storage.Query{Limit: 1})
				return err
			}},
			{Name: "bucket", Run: bucket.Check},
			{Name: "notify", Run: s.notifier.check},
		},
	}
	server.Notify = channels{s.notifier}
	server.Attachments, server.Linked = s.files.attachments, s.files.exhibits
	server.Inbound, server.CheckInbound = s.inbound, checkInbound
	server.Playable = newPlayable(s.cfg, storage.Evidence{Spool: spool, Bucket: bucket}, s.log)
	server.Exporter = &exporter{index: index, evidence: storage.Evidence{Spool: spool, Bucket: bucket}, custody: s.custody, history: history, playable: server.Playable, place: time.Local}
	if err := recorder.Resume(ctx); err != nil {
		return err
	}
	return s.serve(ctx, watch, server, listener, history, closing, oneTime)
}

// serve runs everything and ends it in the order of the flow: cameras and their open
// incidents, uploads, the web last.
func (s *service) serve(ctx context.Context, watch *pipeline.Service, server *web.Server, l net.Listener,
	history *config.History, closing chan struct{}, oneTime string) error {
	webCtx, stopWeb := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWeb()
	uploadCtx, stopUploads := context.WithCancel(context.WithoutCancel(ctx))
	defer stopUploads()
	custodyCtx, stopCustody := context.WithCancel(context.WithoutCancel(ctx))
	defer stopCustody()
	runCtx, stopRun := context.WithCancel(ctx)
	defer stopRun()

	var late, last errgroup.Group
	last.Go(func() error { return s.custody.Log.Run(custodyCtx) })
	webDone := make(chan error, 1)
	go func() {
		webDone <- server.Serve(webCtx, l, s.cfg.Web.TLSCert, s.cfg.Web.TLSKey)
		stopRun() // nobody could see an alert
	}()
	late.Go(func() error { return s.uploader.Run(uploadCtx) })
	late.Go(func() error { return s.files.attachments.Run(uploadCtx) })
	s.announce(l, oneTime)

	var early errgroup.Group
	early.Go(func() error { return watch.Run(runCtx, s.cfg) })
	early.Go(func() error { return s.followConfig(runCtx, watch, history) })
	early.Go(func() error { return s.keeper.Run(runCtx) })
	late.Go(func() error { return s.clock.Run(uploadCtx) }) // incidents change until the last clip is cut
	early.Go(func() error { return s.followStatus(runCtx) })
	early.Go(func() error { return s.notifier.watcher.Run(runCtx) })
	late.Go(func() error { return s.notifier.dispatcher.Run(uploadCtx) }) // what the end of an incident owes is told too
	early.Go(func() error { return s.footage.Run(runCtx) })
	early.Go(func() error { return s.files.exhibits.Run(runCtx) })
	<-runCtx.Done()
	s.log.Info("stopping: cutting clips")
	grace := time.AfterFunc(uploadGrace, func() { close(closing) })
	err := early.Wait()
	s.drain()
	grace.Stop()
	stopUploads()
	err = errors.Join(err, late.Wait())
	s.hub.Close()
	stopWeb()
	err = errors.Join(err, <-webDone)
	stopCustody() // what was looked at until the end is in the last checkpoint
	err = errors.Join(err, last.Wait())
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = nil
	}
	return err
}

// drain waits until everything is uploaded, or for uploadGrace while the bucket fails.
func (s *service) drain() {
	ctx, cancel := context.WithTimeout(context.Background(), uploadGrace)
	defer cancel()
	if err := s.uploader.Drain(ctx); err != nil {
		s.log.Warn("stopping with evidence that is not yet in the bucket; the next start goes on", "err", err)
	}
}

// uploadTrouble is the last error while uploads fail; a trouble that is over is no news.
func uploadTrouble(up storage.UploadStatus) string {
	if up.Failing == 0 {
		return ""
	}
	return up.LastError
}

// followConfig applies the file when it changes, and keeps the last good configuration
// running when the file is bad.
func (s *service) followConfig(ctx context.Context, watch *pipeline.Service, history *config.History) error {
	w := &config.Watcher{Path: s.cfg.Path, Log: s.log, Last: s.cfg}
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	go func() {
		for {
			select {
			case <-hup:
				w.Reload()
			case <-ctx.Done():
				return
			}
		}
	}()
	return w.Run(ctx, func(cfg *config.Config) {
		if err := history.Add(cfg, []byte(cfg.Source.Reveal()), time.Now()); err != nil {
			s.rejected(fmt.Errorf("keep configuration: %w", err))
			return
		}
		if err := s.enter(ctx, models.ActConfigured, cfg, ""); err != nil {
			s.rejected(err)
			return
		}
		s.current.Store(cfg)
		for _, gone := range watch.Apply(cfg) {
			s.hub.Forget(gone)
		}
		s.footage.SetDefault(footagePolicy(cfg.Record))
		if err := s.notifier.apply(cfg); err != nil {
			s.log.Error("the channels for notifications stay as they were", "err", err)
		}
		s.log.Info("configuration applied", "hash", cfg.Hash, "cameras", len(cfg.Cameras))
		if keys := s.cfg.NeedsRestart(cfg); len(keys) > 0 {
			s.log.Warn("these settings change at the next start", "keys", keys)
		}
		s.status.Store(&web.ConfigStatus{Hash: cfg.Hash, Loaded: time.Now()})
		s.tell("status", s.webStatus())
	}, s.rejected)
}

func (s *service) rejected(err error) {
	st := *s.status.Load()
	var all config.Mistakes
	if errors.As(err, &all) {
		st.Errors = nil
		for _, m := range all {
			st.Errors = append(st.Errors, m.Error())
		}
	} else {
		st.Errors = []string{err.Error()}
	}
	s.log.Error("configuration rejected; the last good one goes on", "errors", st.Errors)
	s.status.Store(&st)
	s.tell("status", s.webStatus())
}

// stored is told of evidence that has come to the bucket. A hold may have come before it.
func (s *service) stored(in models.Incident) {
	if in.Hold != nil {
		s.keeper.Kick()
	}
	s.publish(in)
}

// desk has the rules that are in force now.
func (s *service) desk() incident.Desk { return incident.Desk{Policy: s.current.Load().Policy()} }

// movedPatience bounds how long consoles are told of incidents that moved with the clock.
const movedPatience = 10 * time.Second

// moved enters into the custody log that the machine's clock was set, for by that clock its
// entries are dated. Consoles are told of incidents whose deadlines moved, and that the
// server's clock, by which they count down, is another. Whoever hears of no incident, because
// the index does not answer, fetches them anew.
func (s *service) moved(index storage.Index, step models.ClockStep, changed []models.IncidentID) {
	ctx, cancel := context.WithTimeout(context.Background(), movedPatience)
	defer cancel()
	if err := s.enter(ctx, models.ActClockSet, s.current.Load(), incident.StepWords(step)); err != nil {
		s.log.Error("the custody log does not say that the clock was set", "err", err)
	}
	for _, id := range changed {
		in, err := index.Get(ctx, id)
		if err != nil {
			break
		}
		s.publish(in)
	}
	s.hub.Reset()
}

func (s *service) publish(in models.Incident) { s.tell("incident", in) }

func (s *service) tell(kind string, v any) {
	if err := s.hub.Publish(kind, v); err != nil {
		s.log.Error("publish", "kind", kind, "err", err)
	}
}

func (s *service) webStatus() web.Status {
	up := s.uploader.Status()
	kept := s.keeper.Status()
	synced, maxError, known := pipeline.HostClock()
	attached, linked := s.files.attachments.Status(), s.files.exhibits.Status()
	return web.Status{Version: version, FailingChannels: s.notifier.dispatcher.Failing(), HostClock: web.HostClock{Known: known, Synchronised: synced, MaxError: maxError},
		Started: s.started, Config: *s.status.Load(), Notices: *cmp.Or(s.notices.Load(), &web.NoticeStatus{}),
		Storage: web.StorageStatus{Pending: up.Pending, PendingBytes: up.Bytes, Oldest: up.Oldest, Error: uploadTrouble(up), Errors: up.Retries,
			Open: up.Open, OpenBytes: up.OpenBytes,
			Keeper:      web.KeeperStatus{Deleted: kept.Deleted, Locked: kept.Locked, LastRound: kept.LastRound, Error: kept.LastError},
			Attachments: web.FileStatus{Pending: attached.Pending, Failing: attached.Failing, Error: attached.LastError, ErrorAt: attached.ErrorAt, Orphans: attached.Orphans},
			Exhibits:    web.FileStatus{Pending: linked.Pending, Failing: linked.Failing, Error: linked.LastError, ErrorAt: linked.ErrorAt}}}
}

// noticeStatus says what people outside the console are still to be told.
func (s *service) noticeStatus(ctx context.Context) *web.NoticeStatus {
	ctx, cancel := context.WithTimeout(ctx, statusEvery)
	defer cancel()
	channels, dropped, err := s.notifier.dispatcher.Status(ctx)
	n := &web.NoticeStatus{Dropped: dropped}
	for _, c := range channels {
		n.Waiting += c.Waiting
	}
	if err != nil {
		n.Error = "the index does not answer"
	}
	return n
}

// statusEvery is how old what consoles show of the store of evidence may be.
const statusEvery = 5 * time.Second

// followStatus tells consoles what has changed in the program's own state, such as how
// much evidence waits.
func (s *service) followStatus(ctx context.Context) error {
	tick := time.NewTicker(statusEvery)
	defer tick.Stop()
	var told web.Status
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		s.notices.Store(s.noticeStatus(ctx))
		if now := s.webStatus(); !reflect.DeepEqual(now, told) {
			s.tell("status", now)
			told = now
		}
	}
}

// announce tells the operator where the console is.
func (s *service) announce(l net.Listener, oneTime string) {
	scheme := "http"
	if s.cfg.Web.TLS() {
		scheme = "https"
	}
	url := scheme + "://" + l.Addr().String()
	s.log.Info("watching", "console", url, "cameras", len(s.cfg.Cameras), "config", s.cfg.Path)
	fmt.Fprintf(s.stdout, "\n  console   %s\n", url)
	if oneTime != "" {
		fmt.Fprintf(s.stdout, "  user      admin\n  password  %s   (shown only this once)\n", oneTime)
	}
	fmt.Fprintln(s.stdout)
	if s.ready != nil {
		s.ready(url, oneTime)
	}
}
