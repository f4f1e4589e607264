package wire

import (
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// RegisteredTo converts the result of Register.
func RegisteredTo(r Registered) *pb.RegisterResponse {
	return &pb.RegisterResponse{
		TaskId: guidTo(r.TaskID), Change: pb.Change(r.Change) + 1, Warnings: texts(r.Warnings), Replaced: guidsTo(r.Replaced),
	}
}

// RegisteredFrom converts the result of Register.
func RegisteredFrom(m *pb.RegisterResponse) (Registered, error) {
	return answer(m, func(d *decoder, m *pb.RegisterResponse) Registered {
		return Registered{
			TaskID:   d.need("task_id", m.GetTaskId()),
			Change:   shifted[Change](d, "change", m.GetChange()),
			Warnings: m.GetWarnings(),
			Replaced: list(d, "replaced", many, m.GetReplaced(), (*decoder).class),
		}
	})
}

// InstalledTo converts the result of InstallPackage.
func InstalledTo(i Installed) *pb.InstallPackageResponse {
	return &pb.InstallPackageResponse{Package: PackageTo(i.Package), Change: pb.Change(i.Change) + 1}
}

// InstalledFrom converts the result of InstallPackage.
func InstalledFrom(m *pb.InstallPackageResponse) (Installed, error) {
	return answer(m, func(d *decoder, m *pb.InstallPackageResponse) Installed {
		return Installed{Package: d.pack(m.GetPackage()), Change: shifted[Change](d, "change", m.GetChange())}
	})
}

// TaskQueryTo converts a query.
func TaskQueryTo(q TaskQuery) *pb.ListTasksRequest {
	return &pb.ListTasksRequest{Groups: texts(q.Groups), AllGroups: q.AllGroups, Package: text(q.Package)}
}

// TaskQueryFrom converts a query.
func TaskQueryFrom(m *pb.ListTasksRequest) (TaskQuery, error) {
	return request(m, func(d *decoder, m *pb.ListTasksRequest) TaskQuery {
		return TaskQuery{
			Groups:    d.texts("groups", m.GetGroups(), maxListed, task.MaxName),
			AllGroups: m.GetAllGroups(),
			Package:   d.text("package", m.GetPackage(), task.MaxName),
		}
	})
}

const maxListed = 1000 // groups, kinds, outcomes in one query

// HistoryQueryTo converts a query.
func HistoryQueryTo(q HistoryQuery) *pb.HistoryRequest {
	return &pb.HistoryRequest{
		TaskId:   guidTo(q.TaskID),
		RunId:    guidTo(q.RunID),
		Package:  text(q.Package),
		Kinds:    mapped(q.Kinds, func(k task.EventKind) pb.EventKind { return pb.EventKind(k) }),
		Outcomes: mapped(q.Outcomes, func(o task.Outcome) pb.Outcome { return pb.Outcome(o) }),
		Since:    timeTo(q.Since),
		Until:    timeTo(q.Until),
		Limit:    uint32(q.Limit),
	}
}

// HistoryQueryFrom converts a query.
func HistoryQueryFrom(m *pb.HistoryRequest) (HistoryQuery, error) {
	return request(m, func(d *decoder, m *pb.HistoryRequest) HistoryQuery {
		return HistoryQuery{
			TaskID:  d.guid("task_id", m.GetTaskId()),
			RunID:   d.guid("run_id", m.GetRunId()),
			Package: d.text("package", m.GetPackage(), task.MaxName),
			Kinds: list(d, "kinds", maxListed, m.GetKinds(), func(d *decoder, n pb.EventKind) task.EventKind {
				return enum[task.EventKind](d, "kind", n)
			}),
			Outcomes: list(d, "outcomes", maxListed, m.GetOutcomes(), func(d *decoder, n pb.Outcome) task.Outcome {
				return enum[task.Outcome](d, "outcome", n)
			}),
			Since: d.time("since", m.GetSince()),
			Until: d.time("until", m.GetUntil()),
			Limit: int(m.GetLimit()),
		}
	})
}

// LogsQueryTo converts a query.
func LogsQueryTo(q LogsQuery) *pb.LogsRequest {
	return &pb.LogsRequest{TaskId: guidTo(q.TaskID), RunId: guidTo(q.RunID), Launches: uint32(q.Launches), Follow: q.Follow}
}

// LogsQueryFrom converts a query.
func LogsQueryFrom(m *pb.LogsRequest) (LogsQuery, error) {
	return request(m, func(d *decoder, m *pb.LogsRequest) LogsQuery {
		return LogsQuery{
			TaskID:   d.guid("task_id", m.GetTaskId()),
			RunID:    d.guid("run_id", m.GetRunId()),
			Launches: int(m.GetLaunches()),
			Follow:   m.GetFollow(),
		}
	})
}

// WatchQueryTo converts a query.
func WatchQueryTo(q WatchQuery) *pb.WatchRequest {
	return &pb.WatchRequest{Cursor: text(string(q.Since)), TaskId: guidTo(q.TaskID), Package: text(q.Package)}
}

// WatchQueryFrom converts a query. Its cursor is empty or has a sequence number.
func WatchQueryFrom(m *pb.WatchRequest) (WatchQuery, error) {
	return request(m, func(d *decoder, m *pb.WatchRequest) WatchQuery {
		q := WatchQuery{
			Since:   task.Cursor(d.text("cursor", m.GetCursor(), task.MaxName)),
			TaskID:  d.guid("task_id", m.GetTaskId()),
			Package: d.text("package", m.GetPackage(), task.MaxName),
		}
		if q.Since != "" {
			if _, err := q.Since.Seq(); err != nil {
				d.faults = append(d.faults, err)
			}
		}
		return q
	})
}
