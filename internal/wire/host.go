package wire

import (
	"fmt"

	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// HostFrameTo converts a frame of a host.
func HostFrameTo(f HostFrame) *pb.AttachRequest {
	switch f := f.(type) {
	case Hello:
		return &pb.AttachRequest{Frame: &pb.AttachRequest_Hello{Hello: &pb.Hello{
			LaunchToken: guidTo(task.GUID(f.Token)), Objects: mapped(f.Objects, objectTo), Instances: mapped(f.Instances, heldTo)}}}
	case ObjectsChanged:
		return &pb.AttachRequest{Frame: &pb.AttachRequest_ObjectsChanged{ObjectsChanged: &pb.ObjectsChanged{Objects: mapped(f.Objects, objectTo)}}}
	case Accepted:
		return &pb.AttachRequest{Frame: &pb.AttachRequest_Accepted{Accepted: &pb.Accepted{InstanceId: guidTo(f.Instance)}}}
	case Refused:
		return &pb.AttachRequest{Frame: &pb.AttachRequest_Refused{Refused: &pb.Refused{InstanceId: guidTo(f.Instance), Text: Clip(f.Text)}}}
	case Progress:
		return &pb.AttachRequest{Frame: &pb.AttachRequest_Progress{Progress: &pb.Progress{InstanceId: guidTo(f.Instance), Value: f.Value}}}
	case SaveCheckpoint:
		return &pb.AttachRequest{Frame: &pb.AttachRequest_SaveCheckpoint{SaveCheckpoint: &pb.SaveCheckpoint{
			RequestId: guidTo(f.Request), InstanceId: guidTo(f.Instance), Data: f.Data}}}
	case Finished:
		return &pb.AttachRequest{Frame: &pb.AttachRequest_Finished{Finished: &pb.Finished{InstanceId: guidTo(f.Instance), Result: resultTo(f.Result)}}}
	case Leave:
		return &pb.AttachRequest{Frame: &pb.AttachRequest_Leave{Leave: &pb.Leave{}}}
	}
	panic(fmt.Sprintf("wire: %T is not a frame of a host", f)) // the set is sealed
}

// HostFrameFrom converts a frame of a host, within the limits.
func HostFrameFrom(m *pb.AttachRequest) (HostFrame, error) {
	return request(m, (*decoder).hostFrame)
}

func (d *decoder) hostFrame(m *pb.AttachRequest) HostFrame {
	switch f := m.GetFrame().(type) {
	case *pb.AttachRequest_Hello:
		return Hello{
			Token:     task.LaunchToken(d.guid("launch_token", f.Hello.GetLaunchToken())),
			Objects:   d.objects(f.Hello.GetObjects()),
			Instances: list(d, "instances", many, f.Hello.GetInstances(), (*decoder).held),
		}
	case *pb.AttachRequest_ObjectsChanged:
		return ObjectsChanged{Objects: d.objects(f.ObjectsChanged.GetObjects())}
	case *pb.AttachRequest_Accepted:
		return Accepted{Instance: d.instance(f.Accepted)}
	case *pb.AttachRequest_Refused:
		return Refused{Instance: d.instance(f.Refused), Text: d.text("text", f.Refused.GetText(), task.MaxErrorText)}
	case *pb.AttachRequest_Progress:
		return Progress{Instance: d.instance(f.Progress), Value: f.Progress.GetValue()}
	case *pb.AttachRequest_SaveCheckpoint:
		return SaveCheckpoint{
			Request:  d.need("request_id", f.SaveCheckpoint.GetRequestId()),
			Instance: d.instance(f.SaveCheckpoint),
			Data:     d.bytes("data", f.SaveCheckpoint.GetData(), task.MaxPayload),
		}
	case *pb.AttachRequest_Finished:
		return Finished{Instance: d.instance(f.Finished), Result: d.result(f.Finished.GetResult())}
	case *pb.AttachRequest_Leave:
		return Leave{}
	}
	d.invalid("frame", "this version does not know it")
	return nil
}

func (d *decoder) instance(m interface{ GetInstanceId() string }) task.GUID {
	return d.need("instance_id", m.GetInstanceId())
}

// BrokerFrameTo converts a frame of the broker.
func BrokerFrameTo(f BrokerFrame) *pb.AttachResponse {
	switch f := f.(type) {
	case Welcome:
		return &pb.AttachResponse{Frame: &pb.AttachResponse_Welcome{Welcome: &pb.Welcome{
			Package: text(f.Package), LocalFolder: text(f.Folder), Launched: f.Launched}}}
	case Activate:
		return &pb.AttachResponse{Frame: &pb.AttachResponse_Activate{Activate: activationTo(f.Activation)}}
	case CancelRun:
		return &pb.AttachResponse{Frame: &pb.AttachResponse_CancelRun{CancelRun: &pb.CancelRun{InstanceId: guidTo(f.Instance), Reason: ReasonTo(f.Reason)}}}
	case Acknowledge:
		return &pb.AttachResponse{Frame: &pb.AttachResponse_Acknowledge{Acknowledge: &pb.Acknowledge{InstanceId: guidTo(f.Instance)}}}
	case CheckpointSaved:
		return &pb.AttachResponse{Frame: &pb.AttachResponse_CheckpointSaved{CheckpointSaved: savedTo(f)}}
	case LeaveConfirmed:
		return &pb.AttachResponse{Frame: &pb.AttachResponse_LeaveConfirmed{LeaveConfirmed: &pb.LeaveConfirmed{}}}
	case Stay:
		return &pb.AttachResponse{Frame: &pb.AttachResponse_Stay{Stay: &pb.Stay{}}}
	case Drop:
		return &pb.AttachResponse{Frame: &pb.AttachResponse_Drop{Drop: &pb.Drop{Text: text(f.Text), Stopping: f.Stopping}}}
	}
	panic(fmt.Sprintf("wire: %T is not a frame of the broker", f)) // the set is sealed
}

// BrokerFrameFrom converts a frame of the broker.
func BrokerFrameFrom(m *pb.AttachResponse) (BrokerFrame, error) {
	return answer(m, (*decoder).brokerFrame)
}

func (d *decoder) brokerFrame(m *pb.AttachResponse) BrokerFrame {
	switch f := m.GetFrame().(type) {
	case *pb.AttachResponse_Welcome:
		return Welcome{Package: f.Welcome.GetPackage(), Folder: f.Welcome.GetLocalFolder(), Launched: f.Welcome.GetLaunched()}
	case *pb.AttachResponse_Activate:
		return Activate{Activation: d.activation(f.Activate)}
	case *pb.AttachResponse_CancelRun:
		return CancelRun{Instance: d.instance(f.CancelRun), Reason: d.reason(f.CancelRun.GetReason())}
	case *pb.AttachResponse_Acknowledge:
		return Acknowledge{Instance: d.instance(f.Acknowledge)}
	case *pb.AttachResponse_CheckpointSaved:
		return d.saved(f.CheckpointSaved)
	case *pb.AttachResponse_LeaveConfirmed:
		return LeaveConfirmed{}
	case *pb.AttachResponse_Stay:
		return Stay{}
	case *pb.AttachResponse_Drop:
		return Drop{Text: f.Drop.GetText(), Stopping: f.Drop.GetStopping()}
	}
	d.invalid("frame", "this version does not know it")
	return nil
}

func objectTo(o task.Object) *pb.Object {
	return &pb.Object{Clsid: guidTo(o.CLSID), SingleUse: o.SingleUse, Suspended: o.Suspended}
}

func (d *decoder) objects(all []*pb.Object) []task.Object {
	return list(d, "objects", task.MaxClasses, all, (*decoder).object)
}

func (d *decoder) object(m *pb.Object) task.Object {
	return task.Object{CLSID: d.need("clsid", m.GetClsid()), SingleUse: m.GetSingleUse(), Suspended: m.GetSuspended()}
}

func heldTo(h task.HeldInstance) *pb.HeldInstance {
	m := &pb.HeldInstance{InstanceId: guidTo(h.Instance), Progress: h.Progress, TaskId: guidTo(h.TaskID)}
	if h.Result != nil {
		m.Result = resultTo(*h.Result)
	}
	return m
}

func (d *decoder) held(m *pb.HeldInstance) task.HeldInstance {
	h := task.HeldInstance{Instance: d.need("instance_id", m.GetInstanceId()), Progress: m.GetProgress(), TaskID: d.guid("task_id", m.GetTaskId())}
	if m.GetResult() != nil {
		h.Result = new(d.result(m.GetResult()))
	}
	return h
}

func resultTo(r task.Result) *pb.Result {
	return &pb.Result{Outcome: pb.Outcome(r.Outcome), Reason: ReasonTo(r.Reason), Text: Clip(r.Text), Exit: Clip(r.Exit)}
}

func (d *decoder) result(m *pb.Result) task.Result {
	r := task.Result{
		Outcome: enum[task.Outcome](d, "result.outcome", m.GetOutcome()),
		Reason:  d.reason(m.GetReason()),
		Text:    d.text("result.text", m.GetText(), task.MaxErrorText),
		Exit:    d.text("result.exit", m.GetExit(), task.MaxErrorText),
	}
	if row, _ := r.Outcome.Row(); !row.ByHost {
		d.invalid("result.outcome", fmt.Sprintf("a host cannot say that a run is %v", r.Outcome))
	}
	if _, ok := r.Reason.Row(); !ok {
		d.invalid("result.reason", fmt.Sprintf("there is no cancellation reason number %d", r.Reason))
	}
	return r
}

func activationTo(a task.Activation) *pb.Activate {
	m := &pb.Activate{
		InstanceId:  guidTo(a.Instance),
		TaskId:      guidTo(a.TaskID),
		Package:     text(a.Package),
		Clsid:       guidTo(a.CLSID),
		Spec:        SpecTo(a.Spec),
		Registered:  timeTo(a.Registered),
		Occurrence:  occurrenceTo(a.Occurrence),
		Attempt:     uint32(a.Attempt),
		Details:     detailsTo(a.Details),
		LocalFolder: text(a.Folder),
	}
	if c := a.Checkpoint; c != nil {
		m.Checkpoint = &pb.Checkpoint{Data: c.Data, Number: c.Number, Version: text(c.Version)}
	}
	return m
}

func (d *decoder) activation(m *pb.Activate) task.Activation {
	a := task.Activation{
		Instance:   d.need("instance_id", m.GetInstanceId()),
		TaskID:     d.guid("task_id", m.GetTaskId()),
		Package:    m.GetPackage(),
		CLSID:      d.guid("clsid", m.GetClsid()),
		Spec:       d.spec(m.GetSpec()),
		Registered: d.time("registered", m.GetRegistered()),
		Occurrence: d.occurrence(m.GetOccurrence()),
		Attempt:    int(m.GetAttempt()),
		Details:    d.details(m.GetDetails()),
		Folder:     m.GetLocalFolder(),
	}
	if c := m.GetCheckpoint(); c != nil {
		a.Checkpoint = &task.Checkpoint{Data: d.bytes("checkpoint.data", c.GetData(), task.MaxPayload), Number: c.GetNumber(), Version: c.GetVersion()}
	}
	return a
}

func savedTo(f CheckpointSaved) *pb.CheckpointSaved {
	m := &pb.CheckpointSaved{RequestId: guidTo(f.Request)}
	if e := errorsTo(f.Err); len(e) > 0 {
		m.Code, m.Detail, m.Hint = e[0].Code, e[0].Detail, e[0].Hint
	}
	return m
}

func (d *decoder) saved(m *pb.CheckpointSaved) CheckpointSaved {
	f := CheckpointSaved{Request: d.need("request_id", m.GetRequestId())}
	if m.GetCode() != "" {
		f.Err = errorFrom(&pb.Error{Op: "save checkpoint", Code: m.GetCode(), Detail: m.GetDetail(), Hint: m.GetHint()})
	}
	return f
}
