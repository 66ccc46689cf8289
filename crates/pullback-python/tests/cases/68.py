# Indexing: boolean masks beside integers, None, ellipsis and slices; numbers, arrays and lists as indices (pytorch/pytorch#70347, #71673, #141563, #80155, #158413).
# Oracle: torch 2.15: what make_golden.py wrote down.
import json, numpy as np, pullback as P
E = ["a[m]", "a[m,...]", "a[m,0]", "a[m,::2]", "a[m,None]", "a[None,m]", "a[:,[0,1],...,[0,1]]", "a[[0,1],:,[0,1]]", "a[0,:,[0,1]]", "a[[0,1],None,[0,1]]", "a[True]", "a[False]", "a[M.tensor(True)]", "a[2]", "a[0,0,0,0]", "a[::-1]", "a[:,::2,1:4:3]", "a[5:10]",
     "a[M.tensor(0):M.tensor(1)]", "a[np.array([0,1])]", "a[np.int64(1)]", "a[range(2)]", "a[[[0,1],[1,0]]]", "a[1.0]", "a[M.tensor([1,0],dtype=M.uint8)]", "a[[]]", "a[M.tensor([True,False,True])]", "a[a>20]", "M.tensor(5)[None]", "M.tensor(5)[0]", "a[[[0],[1]],[0,2]]", "a[[0,1],[0,1,2]]", "a[...,0,...]"]
S = ["a[m]=0", "a[m,None]=0", "a[m]=M.arange(4)", "a[m]=M.arange(3)", "a[:,M.tensor([True,False,True])]=0", "a[m,:2]=-1", "a[0]=1.9", "a[M.tensor(True)]=3", "a[False]=3", "a[[]]=5", "a[[0,0]]+=1", "a[m]+=100", "a[-1,...,-1]=0", "a[2]=0", "a[[0,1]]=a[[1,0]]", "a[0]=M.zeros(1,3,4,dtype=M.int64)", "a[0,range(3),range(3)]=-1"]
def tried(M, e, write):
    a = M.arange(24).reshape(2, 3, 4); m = M.tensor([[True, False, True], [False, True, True]]); d = {"a": a, "m": m, "M": M, "np": np}
    try: r = (exec(e, d), a)[1] if write else eval(e, d)
    except Exception as x: return type(x).__name__
    return [list(r.shape), r.tolist()]
def answers(M): return {"read": {e: tried(M, e, False) for e in E}, "written": {e: tried(M, e, True) for e in S}}
if __name__ == "__main__":
    with open(__file__.replace(".py", ".json"), encoding="utf-8") as golden: right = json.load(golden)
    for way, found in answers(P).items():
        for e, answer in found.items(): assert answer == right[way][e], (e, answer, right[way][e])
