/* SPDX-License-Identifier: MIT */
/*
 * The life of one device, to be searched by spin: a daemon with its worker, two clients that
 * do as they please, an operator, a bus that the device leaves and comes back to, and a
 * daemon that is killed between any two of its steps and started again.
 *
 * step(EVENT) is made from the daemon's own table, by transitions.c. What the kernel does to
 * descriptors, mappings and the device is written out here. CUT names a step to leave out, to
 * see that it is missed (check.sh).
 */
#include "transitions.pml"

#ifndef CUT
#define CUT 0
#endif

#define NOBODY 2
#define OTHER(i) (1 - (i))

/* The kernel's. */
bool there = true;   /* on the bus */
bool leaves = false; /* is about to leave it, once it is closed */
bool bound = false;  /* to vfio-pci; otherwise to its host driver */
bool opened = false; /* through VFIO */
bool taken = false;  /* its BARs, by VFIO: nobody's mapping reaches them */
bool master = false; /* bus mastering is on */
bool dma[2];         /* memory of this client is in the domain of the device */
bool registers[2];   /* a descriptor or mapping of this client's, wherever it is */
bool ghost[2];       /* a mapping of the device that was there before */

/* The file's. */
bool written = false;      /* the device is taken, */
byte written_for = NOBODY; /* and for whom */
bool other_instance = false; /* since that was written */
bool estate = false;       /* a device left while somebody had its registers */

/* The clients'. */
bool connected[2];
bool asks[2]; /* ACQUIRE, not yet answered */

/* The daemon's. */
bool up = true;
byte state = HOST;
byte owner = NOBODY;
byte former = NOBODY; /* who was last seen to keep registers, or may: quarantine */
bool restore = false;
bool reclaimed = false; /* free for its former owner, who keeps registers */
bool listed = true;   /* the device that is there is the one that it knows */
bool failed = false;
bool fresh = false;   /* taken from the host by the request in hand */

#define kept (registers[0] || registers[1])
#define asked_by(i) (connected[i] && asks[i])

/* ---- what must never be ---- */

#define reaches(i) ((registers[i] || ghost[i]) && !taken)

/* An owner has the device alone. */
#define alone (!(up && state == GRANTED) || (!reaches(OTHER(owner)) && !registers[OTHER(owner)]))
/* So has the host; mappings of a device before end when its driver claims the BARs. */
#define hosts (!(up && state == HOST && there && !bound) || !kept)
/* A device reaches the memory of its owner only, and of nobody without one. */
#define apart (!master || ((state == CLAIMING || state == GRANTED || state == REVOKING) && \
                            !dma[OTHER(owner)]))
#define quiet (up || (!master && !opened))
/* What is taken can be found by the next daemon. */
#define known (!(bound && there) || written)

#ifndef LIVENESS
active proctype monitor()
{
	assert(alone && hosts && apart && quiet && known)
}
#endif

/* ---- clients ---- */

proctype client(byte i)
{
end:	do
	:: atomic { up && !connected[i] -> connected[i] = true }
	:: atomic { connected[i] && !asks[i] && owner != i -> asks[i] = true }
	/* It hangs up or dies, or closes the device. What it has sent to others stays. */
	:: atomic { connected[i] -> connected[i] = false; asks[i] = false }
	/* The last descriptor and mapping are gone. */
	:: registers[i] -> registers[i] = false
	:: ghost[i] -> ghost[i] = false
	od
}

/* ---- the bus ---- */

proctype bus()
{
end:	do
	:: atomic { there && !leaves -> leaves = true }
	:: atomic { leaves && !opened ->
		leaves = false; there = false; bound = false; other_instance = true; listed = false;
		ghost[0] = ghost[0] || registers[0]; registers[0] = false;
		ghost[1] = ghost[1] || registers[1]; registers[1] = false
	   }
	:: !there -> there = true
	od
}

/* ---- the daemon is killed: the kernel closes what it had open ---- */

proctype killer()
{
end:	do
	:: atomic { up ->
		up = false; opened = false; taken = false; master = false;
		dma[0] = false; dma[1] = false;
		connected[0] = false; connected[1] = false; asks[0] = false; asks[1] = false
	   }
	od
}

/* ---- the daemon ---- */

/* Claims the BARs: mappings end, and those of a device before cannot be made again. */
inline take_registers()
{
	atomic { taken = true; ghost[0] = false; ghost[1] = false }
}

inline close_device()
{
	atomic { opened = false; taken = false; master = false }
}

inline note_left()
{
	atomic {
		if
		:: ghost[0] || ghost[1] -> if :: CUT != 1 -> estate = true :: else fi
		:: else
		fi;
		step(REMOVED);
		reclaimed = false;
		owner = NOBODY;
		written = false
	}
}

inline did_cut()
{
	if
	:: state == REVOKING -> step(DID_CUT)
	:: else
	fi
}

/* From `revoking` on, or out of quarantine. */
inline put_to_rest()
{
	master = false;
	if
	:: kept && CUT != 2 -> take_registers()
	:: else
	fi;
	if
	:: failed = false
	:: failed = true /* the reset */
	fi;
	if
	:: CUT != 3 -> dma[0] = false; dma[1] = false
	:: else
	fi;
	if
	:: failed ->
		close_device();
		atomic { did_cut(); step(RESET_FAILED); if :: CUT != 8 -> former = owner :: else fi;
		         owner = NOBODY }
	:: else ->
		/* As long as somebody has registers. */
		do
		:: (!kept && CUT != 7) || CUT == 4 -> break
		:: atomic { kept || CUT == 7 -> former = owner; assert(!opened || taken || !kept) }
			if
			:: true /* looks again */
			:: owner != NOBODY && asked_by(owner) -> reclaimed = true; break
			:: leaves && opened -> close_device() /* the kernel asks for it */
			:: !listed -> break
			fi
		od;
		close_device();
		if
		:: !listed -> note_left()
		:: else ->
			atomic { did_cut(); step(DID_RESET) };
			if
			:: restore && !reclaimed ->
				bound = false;
				written = false;
				atomic { step(DID_RESTORED); owner = NOBODY }
			:: else ->
				atomic { step(DID_FREED); owner = NOBODY }
			fi
		fi
	fi
}

inline acquire(i)
{
	atomic { step(CLAIM); owner = i };
	if
	:: !listed ->
		atomic { if :: bound -> step(NOT_OPENED) :: else -> step(NOT_CLAIMED) fi;
		         owner = NOBODY; asks[i] = false }
	:: listed && kept && former != i && CUT != 5 -> /* BUSY */
		atomic { if :: bound -> step(NOT_OPENED) :: else -> step(NOT_CLAIMED) fi;
		         owner = NOBODY; asks[i] = false }
	:: else ->
		atomic { written_for = i; other_instance = !listed;
		         if :: CUT != 6 -> written = true :: else fi };
		if
		:: atomic { there && listed -> fresh = !bound; bound = true }
		:: !there || !listed
		fi;
		if
		:: atomic { there && bound && !leaves -> opened = true }
		:: true /* or fails */
		fi;
		if
		:: opened && estate -> take_registers(); taken = false
		:: else
		fi;
		if
		:: !opened && !listed -> note_left()
		:: !opened && listed ->
			if
			:: fresh -> bound = false; written = false;
			   atomic { step(NOT_CLAIMED); owner = NOBODY; asks[i] = false }
			:: true -> atomic { step(NOT_OPENED); owner = NOBODY; asks[i] = false }
			fi
		:: opened ->
			dma[i] = true;
			master = true;
			if
			:: restore = true
			:: restore = false
			fi;
			atomic { step(DID_GRANTED); reclaimed = false; registers[i] = connected[i]; asks[i] = false }
		fi
	fi
}

/* The daemon before this one was killed. */
inline adopt()
{
	if
	:: written && there && !other_instance ->
		step(FOUND);
		if
		:: atomic { bound && !leaves -> opened = true; owner = written_for };
		   put_to_rest()
		:: atomic { listed && !bound -> written = false };
		   atomic { step(DID_CUT); step(DID_RESET); step(DID_RESTORED) }
		:: !listed -> note_left()
		fi
	:: written && (!there || other_instance) -> /* nobody knows what became of it */
		atomic { if :: CUT != 1 -> estate = true :: else fi; written = false };
		if :: !there -> step(REMOVED) :: else fi
	:: !written && !there -> step(REMOVED)
	:: !written && there
	fi
}

inline serve()
{
end_serve:	do
	:: state == GONE && there -> atomic { step(ARRIVED); listed = there }
	:: (state == HOST || state == FREE || state == QUARANTINED) && !listed -> note_left()
	:: (state == HOST || state == FREE) && asked_by(0) -> acquire(0)
	:: (state == HOST || state == FREE) && asked_by(1) -> acquire(1)
	/* Closed, hung up, asked back and then forced; or it is about to leave the bus. */
	:: state == GRANTED -> step(RELEASE); put_to_rest()
	/* Its former owner hung up instead, or was refused. */
	:: state == FREE && reclaimed && listed ->
		atomic { step(RELEASE); owner = former; reclaimed = false };
		if
		:: atomic { there && bound && !leaves -> opened = true }; put_to_rest()
		:: true -> atomic { step(DID_CUT); step(RESET_FAILED); owner = NOBODY }
		:: !listed -> note_left()
		fi
	:: state == QUARANTINED && listed -> /* root's `quarantine clear' */
		atomic { step(CLEARED); restore = false; owner = former };
		if
		:: atomic { there && bound && !leaves -> opened = true };
		   put_to_rest()
		:: true -> atomic { step(RESET_FAILED); owner = NOBODY } /* not opened */
		fi
	od
}

proctype daemon()
{
again:	{ adopt(); serve() } unless { !up };
	atomic {
		state = HOST; owner = NOBODY; former = NOBODY; restore = false; failed = false;
		reclaimed = false;
		fresh = false; listed = there;
		up = true
	};
	goto again
}

init {
	atomic {
		run daemon(); run client(0); run client(1); run bus();
#ifndef LIVENESS
		run killer()
#endif
	}
}

/* Whoever keeps registers lets go of them some day: then the device is somebody's again. */
#ifdef LIVENESS
ltl leads_out {
	[]<>(!registers[0] && !registers[1]) ->
	[]((state == REVOKING || state == RESETTING || state == SCRUBBED || state == CLAIMING) ->
	   <>(state == FREE || state == HOST || state == GRANTED || state == QUARANTINED ||
	      state == GONE))
}
#endif
