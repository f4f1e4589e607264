package wire

import (
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// StatusTo converts the status of the broker.
func StatusTo(s task.Status) *pb.Status {
	return &pb.Status{
		Version:   text(s.Version),
		Pid:       uint32(s.PID),
		Started:   timeTo(s.Started),
		StartedBy: text(s.StartedBy),
		Socket:    text(s.Socket),
		StateDir:  text(s.StateDir),
		StoreSize: uint64(s.StoreSize),
		Tasks:     uint32(s.Tasks),
		LiveRuns:  uint32(s.LiveRuns),
		Hosts:     uint32(s.Hosts),
		Policy:    policyTo(s.Policy),
		Checks:    mapped(s.Checks, checkTo),
	}
}

// StatusFrom converts the status of the broker.
func StatusFrom(m *pb.Status) (task.Status, error) { return answer(m, (*decoder).status) }

func (d *decoder) status(m *pb.Status) task.Status {
	return task.Status{
		Version:   m.GetVersion(),
		PID:       int(m.GetPid()),
		Started:   d.time("started", m.GetStarted()),
		StartedBy: m.GetStartedBy(),
		Socket:    m.GetSocket(),
		StateDir:  m.GetStateDir(),
		StoreSize: int64(d.count("store_size", m.GetStoreSize())),
		Tasks:     int(m.GetTasks()),
		LiveRuns:  int(m.GetLiveRuns()),
		Hosts:     int(m.GetHosts()),
		Policy:    d.policy(m.GetPolicy()),
		Checks:    list(d, "checks", many, m.GetChecks(), (*decoder).check),
	}
}

func policyTo(p task.Policy) *pb.Policy {
	return &pb.Policy{
		MinFreshness:   durationTo(p.MinFreshness),
		DefaultAccess:  AccessTo(p.DefaultAccess),
		RunsAtOnce:     uint32(p.RunsAtOnce),
		RunsPerPackage: uint32(p.RunsPerPackage),
		Launches:       uint32(p.Launches),
		RunLimit:       durationTo(p.RunLimit),
		StartTimeout:   durationTo(p.StartTimeout),
		CancelGrace:    durationTo(p.CancelGrace),
	}
}

func (d *decoder) policy(m *pb.Policy) task.Policy {
	return task.Policy{
		MinFreshness:   d.duration("min_freshness", m.GetMinFreshness()),
		DefaultAccess:  enum[task.AccessStatus](d, "default_access", m.GetDefaultAccess()),
		RunsAtOnce:     int(m.GetRunsAtOnce()),
		RunsPerPackage: int(m.GetRunsPerPackage()),
		Launches:       int(m.GetLaunches()),
		RunLimit:       d.duration("run_limit", m.GetRunLimit()),
		StartTimeout:   d.duration("start_timeout", m.GetStartTimeout()),
		CancelGrace:    d.duration("cancel_grace", m.GetCancelGrace()),
	}
}

func checkTo(c task.Check) *pb.Check {
	return &pb.Check{Level: pb.CheckLevel(c.Level) + 1, Subject: text(c.Subject), Text: text(c.Text), Fix: text(c.Fix)}
}

func (d *decoder) check(m *pb.Check) task.Check {
	return task.Check{
		Level: shifted[task.CheckLevel](d, "level", m.GetLevel()), Subject: m.GetSubject(), Text: m.GetText(), Fix: m.GetFix(),
	}
}

// OutputTo converts a piece of kept output.
func OutputTo(o task.Output) *pb.LogsResponse {
	l := o.Launch
	if l == nil {
		return &pb.LogsResponse{Item: &pb.LogsResponse_Data{Data: o.Data}}
	}
	return &pb.LogsResponse{Item: &pb.LogsResponse_Launch{Launch: &pb.Launch{
		Token:   guidTo(task.GUID(l.Token)),
		Package: text(l.Package),
		Server:  text(l.Server),
		Pid:     uint32(l.PID),
		Started: timeTo(l.Started),
		Ended:   timeTo(l.Ended),
		Exit:    text(l.Exit),
		Cut:     l.Cut,
	}}}
}

// OutputFrom converts a piece of kept output.
func OutputFrom(m *pb.LogsResponse) (task.Output, error) { return answer(m, (*decoder).output) }

func (d *decoder) output(m *pb.LogsResponse) task.Output {
	l := m.GetLaunch()
	if l == nil {
		return task.Output{Data: m.GetData()}
	}
	return task.Output{Launch: &task.Launch{
		Token:   task.LaunchToken(d.guid("launch.token", l.GetToken())),
		Package: l.GetPackage(),
		Server:  l.GetServer(),
		PID:     int(l.GetPid()),
		Started: d.time("launch.started", l.GetStarted()),
		Ended:   d.time("launch.ended", l.GetEnded()),
		Exit:    l.GetExit(),
		Cut:     l.GetCut(),
	}}
}
