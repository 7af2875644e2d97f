/* SPDX-License-Identifier: MIT */
/**
 * \file watersic.hpp
 * \brief libwatersic for C++17: handles that release themselves, spans, exceptions.
 *
 * The header needs the headers and the library of C, and nothing else. The headers of C document
 * what the functions compute; tutorial.md beside this file shows how they are used.
 *
 * Objects can be moved, not copied. A failed call throws watersic::error. A callback may throw: the
 * call is cancelled if it can be, and throws the exception again.
 *
 * Threads: one thread at a time uses a context and the objects made from it; several may read
 * layers, and take them from archives, meanwhile that nobody does anything else. Another call
 * throws watersic::error of #WSIC_ERROR_STATE, also one from a callback of the same context. Only
 * context::cancel(), stop() and resume() may be called at any time. To move or destroy one object
 * while another thread uses this very object is a race, as with all objects of C++; to destroy
 * another object of the same context is allowed at any time.
 */
#ifndef WATERSIC_HPP
#define WATERSIC_HPP

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <watersic/watersic.h>

namespace watersic {

/** \brief A failed call. what() is the message of the library. */
class error : public std::runtime_error {
public:
    error(wsic_status status, const std::string &message)
        : std::runtime_error(message.empty() ? wsic_status_text(status) : message), status_(status)
    {
    }

    /** \brief The status, such as #WSIC_ERROR_SHAPE. */
    wsic_status status() const noexcept { return status_; }

    /** \brief Its name, such as "WSIC_ERROR_SHAPE". */
    const char *name() const noexcept { return wsic_status_name(status_); }

private:
    wsic_status status_;
};

/* --- memory of the caller --------------------------------------------------- */

/** \brief Elements that follow each other in the caller's memory: made of a pointer and a number,
 *  of an array, or of anything that has data() and size(). */
template <class T> class span {
    template <class Container>
    using element_of = std::remove_pointer_t<decltype(std::declval<Container &>().data())>;

public:
    using element_type = T;

    constexpr span() noexcept = default;
    constexpr span(T *data, std::size_t size) noexcept : data_(data), size_(size) {}
    template <std::size_t count>
    constexpr span(T (&array)[count]) noexcept : data_(array), size_(count)
    {
    }
    template <class Container,
              class = std::enable_if_t<std::is_convertible_v<element_of<Container> (*)[], T (*)[]>>>
    constexpr span(Container &&container) : data_(container.data()), size_(container.size())
    {
    }

    constexpr T *data() const noexcept { return data_; }
    constexpr std::size_t size() const noexcept { return size_; }
    constexpr bool empty() const noexcept { return size_ == 0; }
    constexpr T *begin() const noexcept { return data_; }
    constexpr T *end() const noexcept { return data_ + size_; }
    constexpr T &operator[](std::size_t index) const { return data_[index]; }

private:
    T *data_ = nullptr;
    std::size_t size_ = 0;
};

template <class T, std::size_t count> span(T (&)[count]) -> span<T>;
template <class Container>
span(Container &&) -> span<std::remove_pointer_t<decltype(std::declval<Container &>().data())>>;

/** \brief IEEE binary16. */
struct float16 {
    std::uint16_t bits;
};
/** \brief The upper half of a binary32. */
struct bfloat16 {
    std::uint16_t bits;
};
/** \brief Two codes from -8 to 7; an even column is in the lower half. */
struct int4x2 {
    std::uint8_t bits;
};

namespace detail {

template <class T> struct number;
template <> struct number<double> : std::integral_constant<std::uint32_t, WSIC_F64> {
};
template <> struct number<float> : std::integral_constant<std::uint32_t, WSIC_F32> {
};
template <> struct number<float16> : std::integral_constant<std::uint32_t, WSIC_F16> {
};
template <> struct number<bfloat16> : std::integral_constant<std::uint32_t, WSIC_BF16> {
};
template <> struct number<std::int8_t> : std::integral_constant<std::uint32_t, WSIC_I8> {
};
template <> struct number<std::int16_t> : std::integral_constant<std::uint32_t, WSIC_I16> {
};
template <> struct number<std::int32_t> : std::integral_constant<std::uint32_t, WSIC_I32> {
};
template <> struct number<int4x2> : std::integral_constant<std::uint32_t, WSIC_I4> {
};

/** \brief T, if spans can be made of the container and T is a number that the library knows. */
template <class Container,
          class T = typename decltype(span(std::declval<Container &>()))::element_type,
          std::uint32_t = number<std::remove_cv_t<T>>::value>
using element_of = T;

/** \brief The struct of C, if the elements are there. */
inline wsic_matrix describe(const void *data, std::size_t elements, std::uint32_t dtype,
                            std::size_t rows, std::size_t columns, std::size_t row_stride)
{
    const std::size_t in_one = dtype == WSIC_I4 ? 2 : 1;
    const std::size_t stride = row_stride ? row_stride : columns + columns % in_one;
    if (rows == 0 || columns == 0)
        throw error(WSIC_ERROR_SHAPE, "a matrix has no rows or no columns");
    if (stride < columns)
        throw error(WSIC_ERROR_SHAPE, "the row stride " + std::to_string(stride) +
                                          " of a matrix is below its " + std::to_string(columns) +
                                          " columns");
    const std::size_t last = (columns + in_one - 1) / in_one;
    if (elements < last || (elements - last) / (stride / in_one + stride % in_one) < rows - 1)
        throw error(WSIC_ERROR_SHAPE, std::to_string(rows) + " rows of " + std::to_string(columns) +
                                          " columns, " + std::to_string(stride) +
                                          " apart, are more than the " + std::to_string(elements) +
                                          " elements that were given");
    wsic_matrix matrix;
    wsic_matrix_init(&matrix, sizeof matrix, data, dtype, rows, columns, row_stride);
    return matrix;
}

} // namespace detail

/** \brief A matrix that is read, in the caller's memory. */
class matrix_view {
public:
    /** \param elements    anything of which a span can be made
     *  \param rows        rows
     *  \param columns     columns
     *  \param row_stride  elements from one row to the next, 0 for no gap */
    template <class Container, class T = detail::element_of<Container>>
    matrix_view(Container &&elements, std::size_t rows, std::size_t columns,
                std::size_t row_stride = 0)
        : matrix_(detail::describe(span(elements).data(), span(elements).size(),
                                   detail::number<std::remove_cv_t<T>>::value, rows, columns,
                                   row_stride))
    {
    }

    const wsic_matrix &native() const noexcept { return matrix_; }
    std::size_t rows() const noexcept { return matrix_.rows; }
    std::size_t columns() const noexcept { return matrix_.columns; }

private:
    friend class matrix_span;
    explicit matrix_view(const wsic_matrix &matrix) : matrix_(matrix) {}

    wsic_matrix matrix_;
};

/** \brief A matrix that is filled, in the caller's memory. */
class matrix_span {
public:
    /** \param elements    as for matrix_view, not const
     *  \param rows        rows
     *  \param columns     columns
     *  \param row_stride  elements from one row to the next, 0 for no gap */
    template <class Container, class T = detail::element_of<Container>,
              class = std::enable_if_t<!std::is_const_v<T>>>
    matrix_span(Container &&elements, std::size_t rows, std::size_t columns,
                std::size_t row_stride = 0)
        : matrix_(matrix_view(elements, rows, columns, row_stride).native())
    {
    }

    operator matrix_view() const { return matrix_view(matrix_); }
    wsic_matrix &native() noexcept { return matrix_; }

private:
    wsic_matrix matrix_;
};

/** \brief Receives progress: part of the call that is done, and the stage. true cancels. */
using progress_function = std::function<bool(double fraction, std::string_view stage)>;

/** \brief Receives a log message and its level, #WSIC_LOG_WARNING to #WSIC_LOG_DEBUG. */
using log_function = std::function<void(wsic_log_level level, std::string_view message)>;

/* --- what objects are made of ------------------------------------------------- */

namespace detail {

/** \brief A handle of C with everything that it needs as long as it lives. */
struct node {
    std::shared_ptr<class core> owner;
    void *handle = nullptr;
    void (*destroy)(void *) = nullptr;
    std::vector<std::shared_ptr<const void>> borrowed;
    std::atomic<int> lent{0}; /* to problems, during which it cannot change */
    node *next = nullptr;
};

/** \brief A context of C: who may use it now, handles that wait for their end, callbacks. */
class core {
public:
    enum mode { alone = -1, briefly = -2, shared = 1 };

    explicit core(const wsic_allocator *allocator)
    {
        const wsic_status status = wsic_context_create(allocator, &context);
        if (status < 0)
            throw error(status, "");
    }
    core(const core &) = delete;
    core &operator=(const core &) = delete;
    ~core()
    {
        while (doomed_)
            end_first();
        wsic_context_destroy(context);
    }

    /** \brief Begin to use the context. alone and shared throw if others use it in another way;
     *  briefly waits for them, and they wait for it. */
    void enter(mode wanted)
    {
        std::unique_lock<std::mutex> lock(mutex_);
        const auto me = std::this_thread::get_id();
        while (owner_ != me && (users_ == briefly || (wanted == briefly && users_ != 0)))
            free_.wait(lock);
        if (users_ < 0 || (users_ > 0 && wanted < 0))
            throw error(WSIC_ERROR_STATE,
                        owner_ == me ? "the context is in the call that runs this callback"
                                     : "the context is in use by another thread: each thread needs "
                                       "one of its own");
        users_ = wanted < 0 ? static_cast<int>(wanted) : users_ + 1;
        owner_ = wanted < 0 ? me : std::thread::id();
    }

    void leave() noexcept
    {
        leave_only();
        sweep();
    }

    /** \brief Destroy a handle as soon as nobody uses the context. */
    void discard(node *ended) noexcept
    {
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            node **end = &doomed_;
            while (*end)
                end = &(*end)->next;
            *end = ended;
        }
        sweep();
    }

    wsic_context *context = nullptr;
    progress_function progress;
    log_function log;
    std::exception_ptr kept; /* of a callback in the running call */

private:
    void leave_only() noexcept
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        users_ = users_ > 0 ? users_ - 1 : 0;
        owner_ = std::thread::id();
        free_.notify_all();
    }

    void sweep() noexcept
    {
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            if (!doomed_ || users_ != 0)
                return;
            users_ = briefly;
            owner_ = std::this_thread::get_id();
        }
        while (end_first()) {
        }
        leave();
    }

    bool end_first() noexcept
    {
        node *first;
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            first = doomed_;
            if (first)
                doomed_ = first->next;
        }
        if (first)
            first->destroy(first->handle);
        delete first;
        return first != nullptr;
    }

    std::mutex mutex_;
    std::condition_variable free_;
    int users_ = 0; /* number of readers, or one of the negative modes */
    std::thread::id owner_;
    node *doomed_ = nullptr;
};

/** \brief Use of a context until the end of a block. */
class hold {
public:
    hold(std::shared_ptr<core> used, core::mode wanted) : used_(std::move(used))
    {
        used_->enter(wanted);
    }
    hold(const hold &) = delete;
    hold &operator=(const hold &) = delete;
    ~hold() { used_->leave(); }

private:
    std::shared_ptr<core> used_;
};

/** \brief Contexts that a call uses, beside its own. */
using uses = std::vector<std::pair<std::shared_ptr<core>, core::mode>>;

template <class T> struct functions;
#define WATERSIC_FUNCTIONS(type, end, is_read_by_many)                                             \
    template <> struct functions<wsic_##type> {                                                    \
        static void destroy(void *handle)                                                          \
        {                                                                                          \
            wsic_##type##_##end(static_cast<wsic_##type *>(handle));                               \
        }                                                                                          \
        static const char *message(const wsic_##type *handle)                                      \
        {                                                                                          \
            return wsic_##type##_message(handle);                                                  \
        }                                                                                          \
        static constexpr bool readable = is_read_by_many;                                          \
    }
WATERSIC_FUNCTIONS(stats, destroy, false);
WATERSIC_FUNCTIONS(problem, destroy, false);
WATERSIC_FUNCTIONS(plan, destroy, false);
WATERSIC_FUNCTIONS(encoder, destroy, false);
WATERSIC_FUNCTIONS(layer, destroy, true);
WATERSIC_FUNCTIONS(archive, close, true);
WATERSIC_FUNCTIONS(archive_writer, destroy, false);
#undef WATERSIC_FUNCTIONS

/** \brief Statistics that a problem borrows: they live as long as it does, and do not change. */
class loan {
public:
    explicit loan(std::shared_ptr<node> of) : of_(std::move(of)) { ++of_->lent; }
    loan(const loan &) = delete;
    loan &operator=(const loan &) = delete;
    ~loan() { --of_->lent; }

private:
    std::shared_ptr<node> of_;
};

inline std::string checked(const std::string &text)
{
    if (text.find('\0') != std::string::npos)
        throw error(WSIC_ERROR_ARGUMENT, "a text has a NUL character");
    return text;
}

/** \brief Calls f while the context is held; then throws what a callback has thrown, or the
 *  failure, whose text is message(). others: contexts of further handles.
 *  \return the message of a notice, else nothing */
template <class Function, class Message>
std::string call(std::shared_ptr<core> owner, Message message, Function f, const uses &others = {})
{
    wsic_status status;
    std::string text;
    {
        std::deque<hold> held;
        std::set<core *> known = {owner.get()};
        held.emplace_back(owner, core::alone);
        for (const auto &[other, wanted] : others)
            if (known.insert(other.get()).second)
                held.emplace_back(other, wanted);
        owner->kept = nullptr;
        status = f();
        if (status != WSIC_OK)
            text = message();
        if (owner->kept)
            std::rethrow_exception(std::exchange(owner->kept, nullptr));
    }
    if (status < 0)
        throw error(status, text);
    return text;
}

/** \brief As call(), for functions that several threads may call at the same time. */
template <class Function, class Message>
void read(const std::shared_ptr<core> &used, Message message, Function f)
{
    wsic_status status;
    {
        const hold held(used, core::shared);
        status = f();
    }
    if (status >= 0)
        return;
    /* The message is only there until another call fails: this asks for it without company. */
    std::string text;
    {
        const hold held(used, core::briefly);
        status = f();
        if (status < 0)
            text = message();
    }
    if (status < 0)
        throw error(status, text);
}

} // namespace detail

class context;

/** \brief What all objects but the context have in common. */
template <class T> class handle {
public:
    handle(handle &&) noexcept = default;
    handle &operator=(handle &&) noexcept = default;

    /** \brief The handle of C, for functions that this header does not have. */
    T *native() const { return static_cast<T *>(live().handle); }

    /** \brief Whether there is no handle: it was closed or moved from. */
    bool closed() const noexcept { return !node_; }

    /** \brief Release the handle now. Whatever uses the object afterwards throws. */
    void close() noexcept { node_.reset(); }

protected:
    using functions = detail::functions<T>;
    handle() = default;
    ~handle() = default;

    /** \brief Take what f(wsic_context *, T **) makes. others: of handles among its arguments. */
    template <class Function>
    void make(const context &from, Function f, const detail::uses &others = {});

    /** \brief As make(), for functions that several threads may call on one context. */
    template <class Function> void make_beside(const context &from, Function f);

    /** \brief Run f(&made), which may both make something and throw; keep it only if it does
     *  not. */
    template <class Function> void keep(std::shared_ptr<detail::core> owner, Function f)
    {
        T *made = nullptr;
        std::exception_ptr failure;
        try {
            f(&made);
        } catch (...) {
            failure = std::current_exception();
        }
        if (made)
            adopt(std::move(owner), made);
        if (failure) {
            close();
            std::rethrow_exception(failure);
        }
    }

    void adopt(std::shared_ptr<detail::core> owner, T *made)
    {
        auto *const fresh = new (std::nothrow) detail::node;
        if (!fresh) {
            functions::destroy(made);
            throw std::bad_alloc();
        }
        fresh->owner = std::move(owner);
        fresh->handle = made;
        fresh->destroy = functions::destroy;
        node_ = std::shared_ptr<detail::node>(fresh, [](detail::node *ended) {
            const std::shared_ptr<detail::core> of = std::move(ended->owner);
            of->discard(ended);
        });
    }

    void borrow(std::shared_ptr<const void> what)
    {
        if (what)
            live().borrowed.push_back(std::move(what));
    }

    detail::node &live() const
    {
        if (!node_)
            throw error(WSIC_ERROR_STATE, "this object was closed or moved from");
        return *node_;
    }

    const std::shared_ptr<detail::core> &owner() const { return live().owner; }
    const std::shared_ptr<detail::node> &shared_node() const
    {
        live();
        return node_;
    }

    /** \brief f(T *), with nothing beside it. */
    template <class Function> std::string call(Function f, const detail::uses &others = {}) const
    {
        const std::shared_ptr<detail::node> kept = shared_node();
        T *const self = native();
        return detail::call(
            kept->owner, [self] { return functions::message(self); }, [&] { return f(self); },
            others);
    }

    /** \brief f(T *), which several threads may call. */
    template <class Function> void read(Function f) const
    {
        T *const self = native();
        detail::read(
            owner(), [self] { return functions::message(self); }, [&] { return f(self); });
    }

    /** \brief What f(T *) returns, which cannot fail. */
    template <class Function> auto get(Function f) const
    {
        T *const self = native();
        const detail::hold held(owner(),
                                functions::readable ? detail::core::shared : detail::core::alone);
        return f(self);
    }

    /** \brief The context of an object that a call uses alone, beside its own. */
    template <class U> static detail::uses::value_type also(const handle<U> &other)
    {
        return {other.owner(),
                detail::functions<U>::readable ? detail::core::shared : detail::core::alone};
    }

private:
    template <class U> friend class handle;
    friend class context;
    std::shared_ptr<detail::node> node_;
};

class job;

/** \brief A context: memory, threads, log, progress and cancellation (context.h). */
class context {
public:
    /** \param allocator where to get memory; NULL: malloc() */
    explicit context(const wsic_allocator *allocator = nullptr)
        : core_(std::make_shared<detail::core>(allocator))
    {
        call([](wsic_context *c) { return wsic_context_set_threads(c, 1); });
    }
    context(context &&) noexcept = default;
    context &operator=(context &&) noexcept = default;

    wsic_context *native() const { return owner()->context; }

    /** \brief Number of threads; 0: as many as there are processors. */
    void set_threads(std::int32_t threads)
    {
        call([&](wsic_context *c) { return wsic_context_set_threads(c, threads); });
    }

    void set_kernels(wsic_kernels kernels)
    {
        call([&](wsic_context *c) { return wsic_context_set_kernels(c, kernels); });
    }

    wsic_kernels kernels() const
    {
        const detail::hold held(owner(), detail::core::alone);
        return static_cast<wsic_kernels>(wsic_context_kernels(native()));
    }

    /** \brief The progress function, or nullptr. */
    void set_progress(progress_function progress)
    {
        call([&](wsic_context *c) {
            core_->progress = std::move(progress);
            return wsic_context_set_progress(c, core_->progress ? on_progress : nullptr,
                                             core_.get());
        });
    }

    /** \brief The log function, or nullptr, and the most verbose level wanted. */
    void set_log(log_function log, wsic_log_level level = WSIC_LOG_WARNING)
    {
        call([&](wsic_context *c) {
            const wsic_status status =
                wsic_context_set_log(c, log ? on_log : nullptr, core_.get(), level);
            if (status == WSIC_OK)
                core_->log = std::move(log);
            return status;
        });
    }

    /** \brief Bound the memory of the context and of all objects made from it; 0: no bound. */
    void set_memory_limit(std::uint64_t bytes)
    {
        call([&](wsic_context *c) { return wsic_context_set_memory_limit(c, bytes); });
    }

    /** \brief Bytes in use, and the most that were. */
    std::uint64_t memory(std::uint64_t *peak = nullptr) const
    {
        const detail::hold held(owner(), detail::core::alone);
        return wsic_context_memory(native(), peak);
    }

    void reset_peak()
    {
        const detail::hold held(owner(), detail::core::alone);
        wsic_context_reset_peak(native());
    }

    /** \brief End the running call, from any thread: it throws #WSIC_ERROR_CANCELLED. */
    void cancel() const { wsic_context_cancel(native()); }
    /** \brief End the running and all later calls, until resume(); from any thread. */
    void stop() const { wsic_context_stop(native()); }
    /** \brief Take stop() back; from any thread. */
    void resume() const { wsic_context_resume(native()); }

    /** \brief Do jobs of one or many layers on the threads of the context (decode.h). No two of
     *  them may fill the same memory. */
    void run(span<job> jobs, int threads = 0) const;

private:
    template <class T> friend class handle;

    const std::shared_ptr<detail::core> &owner() const
    {
        if (!core_)
            throw error(WSIC_ERROR_STATE, "this context was moved from");
        return core_;
    }

    template <class Function> void call(Function f, const detail::uses &others = {}) const
    {
        wsic_context *const self = native();
        detail::call(
            owner(), [self] { return wsic_context_message(self); }, [&] { return f(self); },
            others);
    }

    /* Nothing may be thrown through C: it is kept, and thrown when the call has returned. */
    static std::int32_t on_progress(void *user, double fraction, const char *stage) noexcept
    {
        auto *const used = static_cast<detail::core *>(user);
        try {
            return used->kept || used->progress(fraction, stage) ? 1 : 0;
        } catch (...) {
            used->kept = std::current_exception();
            return 1;
        }
    }

    static void on_log(void *user, std::int32_t level, const char *message) noexcept
    {
        auto *const used = static_cast<detail::core *>(user);
        try {
            if (!used->kept)
                used->log(static_cast<wsic_log_level>(level), message);
        } catch (...) {
            used->kept = std::current_exception();
        }
    }

    std::shared_ptr<detail::core> core_;
};

template <class T>
template <class Function>
void handle<T>::make(const context &from, Function f, const detail::uses &others)
{
    keep(from.owner(),
         [&](T **made) { from.call([&](wsic_context *c) { return f(c, made); }, others); });
}

template <class T>
template <class Function>
void handle<T>::make_beside(const context &from, Function f)
{
    wsic_context *const c = from.native();
    keep(from.owner(), [&](T **made) {
        detail::read(
            from.owner(), [c] { return wsic_context_message(c); }, [&] { return f(c, made); });
    });
}

/* --- statistics ------------------------------------------------------------------ */

/** \brief Statistics of one input (stats.h). */
class stats : public handle<wsic_stats> {
public:
    stats(const context &from, std::size_t columns)
    {
        make(from,
             [&](wsic_context *c, wsic_stats **out) { return wsic_stats_create(c, columns, out); });
    }

    /** \brief Read statistics from a file of save(). */
    static stats load(const context &from, const std::string &path)
    {
        stats made;
        made.make(from, [&](wsic_context *c, wsic_stats **out) {
            return wsic_stats_load(c, detail::checked(path).c_str(), out);
        });
        return made;
    }

    /** \brief Add a batch of activations, and a weight for each token if they have any. */
    void add(const matrix_view &activations, span<const double> weights = {})
    {
        check_weights(activations, weights);
        change([&](wsic_stats *s) {
            return wsic_stats_add_activations(s, &activations.native(), weights.data());
        });
    }

    /** \brief Add a batch of pairs: in the original model, and behind quantized layers. */
    void add_pair(const matrix_view &activations, const matrix_view &quantized,
                  span<const double> weights = {})
    {
        check_weights(activations, weights);
        change([&](wsic_stats *s) {
            return wsic_stats_add_pair(s, &activations.native(), &quantized.native(), nullptr,
                                       weights.data());
        });
    }

    /** \brief Add a batch of pairs with residuals. */
    void add_pair(const matrix_view &activations, const matrix_view &quantized,
                  const matrix_view &residual, span<const double> weights = {})
    {
        check_weights(activations, weights);
        change([&](wsic_stats *s) {
            return wsic_stats_add_pair(s, &activations.native(), &quantized.native(),
                                       &residual.native(), weights.data());
        });
    }

    /** \brief Add a covariance that stands for so many samples. */
    void add_covariance(const matrix_view &covariance, double samples)
    {
        change([&](wsic_stats *s) {
            return wsic_stats_add_covariance(s, &covariance.native(), samples);
        });
    }

    /** \brief Add moments of pairs that were computed elsewhere. */
    void add_pair_moments(const wsic_pair_moments &moments, double samples)
    {
        change([&](wsic_stats *s) { return wsic_stats_add_pair_moments(s, &moments, samples); });
    }

    /** \brief Add all samples of other statistics. */
    void merge(const stats &other)
    {
        const wsic_stats *const added = other.native();
        change([&](wsic_stats *s) { return wsic_stats_merge(s, added); }, {also(other)});
    }

    std::size_t columns() const { return get(wsic_stats_columns); }
    std::size_t residual_columns() const { return get(wsic_stats_residual_columns); }
    double samples() const { return get(wsic_stats_samples); }
    bool has_pairs() const { return get(wsic_stats_has_pairs) != 0; }

    /** \brief Read a normalised moment. */
    void moment(wsic_moment_kind which, matrix_span values) const
    {
        call([&](wsic_stats *s) { return wsic_stats_get_moment(s, which, &values.native()); });
    }

    /** \brief Eigenvalues of the covariance, descending. */
    std::vector<double> spectrum() const
    {
        std::vector<double> values(columns());
        call([&](wsic_stats *s) { return wsic_stats_get_spectrum(s, values.data()); });
        return values;
    }

    void save(const std::string &path) const
    {
        call([&](wsic_stats *s) { return wsic_stats_save(s, detail::checked(path).c_str()); });
    }

private:
    friend class problem;
    stats() = default;

    static void check_weights(const matrix_view &tokens, span<const double> weights)
    {
        if (weights.data() && weights.size() != tokens.rows())
            throw error(WSIC_ERROR_SHAPE, std::to_string(weights.size()) + " weights for " +
                                              std::to_string(tokens.rows()) + " tokens");
    }

    template <class Function> void change(Function f, const detail::uses &others = {})
    {
        if (live().lent > 0)
            throw error(WSIC_ERROR_STATE, "a problem borrows these statistics: close it first");
        call(f, others);
    }
};

/* --- problems ---------------------------------------------------------------------- */

/** \brief A matrix that is quantized several times, or with more than plain statistics
 *  (problem.h). Statistics stay alive, and cannot be changed, as long as it needs them. The
 *  elements of weights are borrowed; owner, if given, is kept until then. */
class problem : public handle<wsic_problem> {
public:
    problem(const context &from, const stats &inputs, const matrix_view &weights,
            const stats *weighted = nullptr, std::shared_ptr<const void> owner = nullptr)
    {
        wsic_stats *const given = inputs.native(), *const more =
                                                       weighted ? weighted->native() : nullptr;
        detail::uses others;
        others.reserve(2);
        others.push_back(also(inputs));
        if (weighted)
            others.push_back(also(*weighted));
        make(
            from,
            [&](wsic_context *c, wsic_problem **out) {
                return wsic_problem_create(c, given, more, &weights.native(), out);
            },
            others);
        borrow(std::make_shared<detail::loan>(inputs.shared_node()));
        if (weighted)
            borrow(std::make_shared<detail::loan>(weighted->shared_node()));
        borrow(std::move(owner));
    }

    /** \param q part of the clean input \param a part of the unweighted tokens */
    void set_mix(double q, double a)
    {
        call([&](wsic_problem *p) { return wsic_problem_set_mix(p, q, a); });
    }

    void set_dead_rows(span<const std::size_t> rows)
    {
        call([&](wsic_problem *p) {
            return wsic_problem_set_dead_rows(p, rows.data(), rows.size());
        });
    }

    void set_dead_columns(span<const std::size_t> columns)
    {
        call([&](wsic_problem *p) {
            return wsic_problem_set_dead_columns(p, columns.data(), columns.size());
        });
    }

    /** \brief Give the statistics of the outputs. */
    void set_outputs(const stats &outputs)
    {
        const wsic_stats *const given = outputs.native();
        auto lent = std::make_shared<detail::loan>(outputs.shared_node());
        call([&](wsic_problem *p) { return wsic_problem_set_outputs(p, given); }, {also(outputs)});
        borrow(std::move(lent));
    }

    /** \brief Give the diagonal of the statistics of the outputs alone, which is copied. It takes
     *  the place of set_outputs(); the statistics given there stay borrowed until the problem
     *  ends. */
    void set_output_diagonal(span<const double> diagonal)
    {
        call([&](wsic_problem *p) {
            return wsic_problem_set_output_diagonal(p, diagonal.data(), diagonal.size());
        });
    }
};

/* --- plans ------------------------------------------------------------------------- */

/** \brief Rates for several matrices, before anything is quantized (plan.h). */
class plan : public handle<wsic_plan> {
public:
    explicit plan(const context &from) { make(from, wsic_plan_create); }

    /** \brief Add a matrix. \return its number */
    std::size_t add(const stats &inputs, const matrix_view &weights)
    {
        const wsic_stats *const given = inputs.native();
        return added(
            [&](wsic_plan *p, std::size_t *index) {
                return wsic_plan_add(p, given, &weights.native(), index);
            },
            also(inputs));
    }

    /** \brief Add a prepared matrix. \return its number */
    std::size_t add(const problem &prepared)
    {
        wsic_problem *const given = prepared.native();
        return added([&](wsic_plan *p,
                         std::size_t *index) { return wsic_plan_add_problem(p, given, index); },
                     also(prepared));
    }

    std::size_t size() const { return get(wsic_plan_count); }

    /** \brief Plan every matrix for a rate of its codes. */
    void solve_rate(double bits_per_weight)
    {
        call([&](wsic_plan *p) { return wsic_plan_solve_rate(p, bits_per_weight); });
    }

    /** \brief Plan every matrix for a distortion. */
    void solve_distortion(double distortion)
    {
        call([&](wsic_plan *p) { return wsic_plan_solve_distortion(p, distortion); });
    }

    /** \brief Share a number of bytes out over all matrices. */
    void solve_budget(std::uint64_t bytes, wsic_plan_mode mode = WSIC_PLAN_WATERFILL)
    {
        call([&](wsic_plan *p) { return wsic_plan_solve_budget(p, mode, bytes); });
    }

    void set_sensitivity(std::size_t index, double sensitivity)
    {
        call([&](wsic_plan *p) { return wsic_plan_set_sensitivity(p, index, sensitivity); });
    }

    /** \brief Tell the size of a finished layer; the rest of the budget is planned anew. */
    void commit(std::size_t index, std::uint64_t bytes)
    {
        call([&](wsic_plan *p) { return wsic_plan_commit(p, index, bytes); });
    }

    /** \brief What the solved plan says about a matrix. */
    wsic_plan_layer operator[](std::size_t index) const
    {
        wsic_plan_layer found{};
        found.size = sizeof found;
        call([&](wsic_plan *p) { return wsic_plan_get_layer(p, index, &found); });
        return found;
    }

    /** \brief What the plan will do to the predictions of the model, in bits per token. */
    double divergence() const
    {
        double found = 0;
        call([&](wsic_plan *p) { return wsic_plan_get_divergence(p, &found); });
        return found;
    }

    /** \brief The rate of every column of a matrix. */
    std::vector<double> column_rates(std::size_t index) const
    {
        std::vector<double> rates((*this)[index].columns);
        call([&](wsic_plan *p) {
            return wsic_plan_get_column_rates(p, index, rates.data(), rates.size());
        });
        return rates;
    }

private:
    template <class Function> std::size_t added(Function f, detail::uses::value_type used)
    {
        std::size_t index = 0;
        call([&](wsic_plan *p) { return f(p, &index); }, {std::move(used)});
        return index;
    }
};

/* --- layers ------------------------------------------------------------------------ */

/** \brief A quantized layer (layer.h). Several threads may read it at the same time. */
class layer : public handle<wsic_layer> {
public:
    /** \brief A layer from its bytes, which are copied. */
    layer(const context &from, span<const unsigned char> bytes)
    {
        make_beside(from, [&](wsic_context *c, wsic_layer **out) {
            return wsic_layer_create(c, bytes.data(), bytes.size(), out);
        });
    }

    /** \brief A layer on bytes that stay where they are, unchanged, as long as it lives; owner, if
     *  given, is kept until then. */
    static layer view(const context &from, span<const unsigned char> bytes,
                      std::shared_ptr<const void> owner = nullptr)
    {
        layer made;
        made.make_beside(from, [&](wsic_context *c, wsic_layer **out) {
            return wsic_layer_create_view(c, bytes.data(), bytes.size(), out);
        });
        made.borrow(std::move(owner));
        return made;
    }

    wsic_layer_info info() const
    {
        wsic_layer_info found{};
        found.size = sizeof found;
        read([&](wsic_layer *l) { return wsic_layer_get_info(l, &found); });
        return found;
    }

    /** \brief Its bytes, valid until it is destroyed. */
    span<const unsigned char> bytes() const
    {
        const void *data = nullptr;
        std::size_t size = 0;
        read([&](wsic_layer *l) { return wsic_layer_get_bytes(l, &data, &size); });
        return {static_cast<const unsigned char *>(data), size};
    }

    /** \brief Scales of the rows, valid until the layer is destroyed. */
    span<const float> row_scales() const { return {get(wsic_layer_row_scales), info().rows}; }
    /** \brief Scales of the columns, valid until the layer is destroyed. */
    span<const float> column_scales() const
    {
        return {get(wsic_layer_column_scales), info().columns};
    }
    /** \brief Live columns in the order in which they are coded, valid until it is destroyed. */
    span<const std::uint32_t> column_order() const
    {
        return {get(wsic_layer_column_order), info().live_columns};
    }

    /** \brief The least and the greatest code. This decodes the layer. */
    std::pair<std::int32_t, std::int32_t> code_range() const
    {
        std::pair<std::int32_t, std::int32_t> found;
        read([&](wsic_layer *l) {
            return wsic_layer_get_code_range(l, &found.first, &found.second);
        });
        return found;
    }

    /** \brief Fill out with codes of the rows from first_row and the columns from first_column
     *  on. */
    void codes(matrix_span out, std::size_t first_row = 0, std::size_t first_column = 0) const
    {
        run(WSIC_JOB_CODES, out, first_row, first_column);
    }

    /** \brief Codes in the order of column_order(). */
    void coded_order(matrix_span out, std::size_t first_row = 0, std::size_t first_column = 0) const
    {
        run(WSIC_JOB_CODED_ORDER, out, first_row, first_column);
    }

    /** \brief Fill out with weights. */
    void dequantize(matrix_span out, std::size_t first_row = 0, std::size_t first_column = 0) const
    {
        run(WSIC_JOB_WEIGHTS, out, first_row, first_column);
    }

    /** \brief All weights, row by row. */
    std::vector<float> dequantize() const
    {
        const wsic_layer_info size = info();
        std::vector<float> weights(size.rows * size.columns);
        dequantize(matrix_span(weights, size.rows, size.columns));
        return weights;
    }

    /** \brief Y = X times the transpose of the weights: y is tokens x rows, from first_row on. */
    void matmul(const matrix_view &x, matrix_span y, std::size_t first_row = 0) const
    {
        read([&](wsic_layer *l) {
            return wsic_layer_matmul(l, first_row, &x.native(), &y.native());
        });
    }

    /** \brief Products of a batch of tokens with all rows, token by token. */
    std::vector<float> matmul(const matrix_view &x) const
    {
        const std::size_t rows = info().rows;
        std::vector<float> y(x.rows() * rows);
        matmul(x, matrix_span(y, x.rows(), rows));
        return y;
    }

    /** \brief A layer with the same codes and other scales; an empty span keeps those there are. */
    layer with_scales(span<const float> rows, span<const float> columns) const
    {
        const wsic_layer_info size = info();
        check("row", rows, size.rows);
        check("column", columns, size.columns);
        layer made;
        made.keep(owner(), [&](wsic_layer **out) {
            call([&](wsic_layer *l) {
                return wsic_layer_create_with_scales(l, rows.data(), columns.data(), out);
            });
        });
        return made;
    }

private:
    friend class archive;
    friend class archive_writer;
    friend class encoder;
    friend class job;
    layer() = default;

    static void check(const char *what, span<const float> scales, std::uint64_t count)
    {
        if (scales.data() && scales.size() != count)
            throw error(WSIC_ERROR_SHAPE, std::to_string(scales.size()) + " scales for " +
                                              std::to_string(count) + " " + what + "s");
    }

    void run(wsic_job_kind kind, matrix_span &out, std::size_t first_row,
             std::size_t first_column) const
    {
        read([&](wsic_layer *l) {
            const wsic_layer_job task = {sizeof task,
                                         l,
                                         static_cast<std::uint32_t>(kind),
                                         0,
                                         first_row,
                                         first_column,
                                         nullptr,
                                         &out.native()};
            return wsic_layer_run(&task, nullptr, 0);
        });
    }
};

/** \brief A part of a layer to be decoded into out, or multiplied: a task of context::run(). It
 *  keeps the layer, and borrows the matrices. */
class job {
public:
    job(const layer &of, wsic_job_kind kind, matrix_span out, std::size_t first_row = 0,
        std::size_t first_column = 0)
        : layer_(of.shared_node()), kind_(kind), out_(out), first_row_(first_row),
          first_column_(first_column)
    {
    }

    /** \brief A product (#WSIC_JOB_PRODUCT). */
    job(const layer &of, const matrix_view &x, matrix_span y, std::size_t first_row = 0,
        std::size_t first_column = 0)
        : job(of, WSIC_JOB_PRODUCT, y, first_row, first_column)
    {
        x_ = x;
    }

private:
    friend class context;

    wsic_layer_job native()
    {
        return {sizeof(wsic_layer_job),
                static_cast<const wsic_layer *>(layer_->handle),
                static_cast<std::uint32_t>(kind_),
                0,
                first_row_,
                first_column_,
                x_ ? &x_->native() : nullptr,
                &out_.native()};
    }

    std::shared_ptr<detail::node> layer_;
    wsic_job_kind kind_;
    std::optional<matrix_view> x_;
    matrix_span out_;
    std::size_t first_row_, first_column_;
};

inline void context::run(span<job> jobs, int threads) const
{
    std::vector<wsic_layer_job> tasks;
    detail::uses used;
    for (job &next : jobs) {
        tasks.push_back(next.native());
        used.emplace_back(next.layer_->owner, detail::core::shared);
    }
    call(
        [&](wsic_context *c) {
            return wsic_layers_run(c, tasks.data(), tasks.size(), threads, nullptr, 0);
        },
        used);
}

/* --- encoders ------------------------------------------------------------------------ */

/** \brief Parameters, and runs that quantize matrices (encoder.h). */
class encoder : public handle<wsic_encoder> {
public:
    explicit encoder(const context &from, const std::string &preset = "default")
    {
        make(from, wsic_encoder_create);
        set_preset(preset);
    }

    encoder &set_preset(const std::string &name)
    {
        call([&](wsic_encoder *e) {
            return wsic_encoder_set_preset(e, detail::checked(name).c_str());
        });
        return *this;
    }

    /** \brief Set a parameter that is a number, such as #WSIC_RATE, or an integer. */
    template <class Number, class = std::enable_if_t<std::is_arithmetic_v<Number>>>
    encoder &set(wsic_parameter parameter, Number value)
    {
        call([&](wsic_encoder *e) {
            if (std::is_integral_v<Number> && is_integer(parameter))
                return wsic_encoder_set_integer(e, parameter, static_cast<std::int64_t>(value));
            return wsic_encoder_set_number(e, parameter, static_cast<double>(value));
        });
        return *this;
    }

    /** \brief Set any parameter by name from text. */
    encoder &set(const std::string &name, const std::string &value)
    {
        call([&](wsic_encoder *e) {
            return wsic_encoder_set_text(e, detail::checked(name).c_str(),
                                         detail::checked(value).c_str());
        });
        return *this;
    }

    /** \brief A parameter as a number; of a choice the index of the name. */
    double number(wsic_parameter parameter) const
    {
        double value = 0;
        call([&](wsic_encoder *e) { return wsic_encoder_get_number(e, parameter, &value); });
        return value;
    }

    /** \brief A parameter as text. */
    std::string text(const std::string &name) const
    {
        char value[64] = "";
        call([&](wsic_encoder *e) {
            return wsic_encoder_get_text(e, detail::checked(name).c_str(), value, sizeof value);
        });
        return value;
    }

    /** \brief All parameters that differ from preset "default", for provenance. */
    std::string parameters() const
    {
        return get([](wsic_encoder *e) { return std::string(wsic_encoder_parameters(e)); });
    }

    /** \brief Take the target of a matrix from a solved plan. */
    encoder &set_plan(const plan &solved, std::size_t index)
    {
        const wsic_plan *const given = solved.native();
        call([&](wsic_encoder *e) { return wsic_encoder_set_plan(e, given, index); },
             {also(solved)});
        return *this;
    }

    /** \brief Bytes that a run will need at most. */
    std::uint64_t estimate_memory(std::size_t rows, std::size_t columns) const
    {
        std::uint64_t bytes = 0;
        call([&](wsic_encoder *e) {
            return wsic_encoder_estimate_memory(e, rows, columns, &bytes);
        });
        return bytes;
    }

    std::uint64_t estimate_memory(const problem &prepared) const
    {
        std::uint64_t bytes = 0;
        const wsic_problem *const given = prepared.native();
        call(
            [&](wsic_encoder *e) { return wsic_encoder_estimate_memory_problem(e, given, &bytes); },
            {also(prepared)});
        return bytes;
    }

    /** \brief Quantize a matrix. */
    layer run(const stats &inputs, const matrix_view &weights)
    {
        const wsic_stats *const given = inputs.native();
        return made_by(
            [&](wsic_encoder *e, wsic_layer **out) {
                return wsic_encoder_run(e, given, &weights.native(), out);
            },
            also(inputs));
    }

    /** \brief Quantize a prepared matrix. */
    layer run(problem &prepared)
    {
        wsic_problem *const given = prepared.native();
        return made_by([&](wsic_encoder *e,
                           wsic_layer **out) { return wsic_encoder_run_problem(e, given, out); },
                       also(prepared));
    }

    /** \brief Why the last run only came near its target (#WSIC_NOTICE_RATE); empty if it met
     *  it. */
    const std::string &notice() const noexcept { return notice_; }

    wsic_encoder_report report() const
    {
        wsic_encoder_report found{};
        found.size = sizeof found;
        call([&](wsic_encoder *e) { return wsic_encoder_get_report(e, &found); });
        return found;
    }

private:
    static bool is_integer(wsic_parameter parameter)
    {
        wsic_parameter_info info{};
        info.size = sizeof info;
        for (std::size_t k = 0; k < wsic_parameter_count(); k++)
            if (wsic_parameter_get_info(k, &info) == WSIC_OK && info.id == parameter)
                return info.type == WSIC_PARAMETER_INTEGER;
        return false;
    }

    template <class Function> layer made_by(Function f, detail::uses::value_type used)
    {
        layer made;
        std::string text;
        made.keep(owner(), [&](wsic_layer **out) {
            text = call([&](wsic_encoder *e) { return f(e, out); }, {std::move(used)});
        });
        notice_ = std::move(text);
        return made;
    }

    std::string notice_;
};

/* --- archives -------------------------------------------------------------------------- */

/** \brief An archive that is open for reading (archive.h). Several threads may take layers. */
class archive : public handle<wsic_archive> {
public:
    archive(const context &from, const std::string &path)
    {
        make(from, [&](wsic_context *c, wsic_archive **out) {
            return wsic_archive_open(c, detail::checked(path).c_str(), out);
        });
    }

    /** \brief An archive in memory that stays where it is as long as the archive and its views
     *  live; owner, if given, is kept until then. */
    archive(const context &from, span<const unsigned char> bytes,
            std::shared_ptr<const void> owner = nullptr)
        : bytes_(owner)
    {
        make(from, [&](wsic_context *c, wsic_archive **out) {
            return wsic_archive_open_memory(c, bytes.data(), bytes.size(), out);
        });
        borrow(std::move(owner));
    }

    std::size_t size() const { return get(wsic_archive_count); }
    std::uint64_t bytes() const { return get(wsic_archive_size); }
    std::uint64_t alignment() const { return get(wsic_archive_alignment); }

    std::vector<std::string> names() const
    {
        return get([](wsic_archive *a) {
            std::vector<std::string> found;
            for (std::size_t k = 0; k < wsic_archive_count(a); k++)
                found.emplace_back(wsic_archive_name(a, k));
            return found;
        });
    }

    /** \brief The number of a layer. */
    std::size_t find(const std::string &name) const
    {
        std::size_t index = 0;
        read([&](wsic_archive *a) {
            return wsic_archive_find(a, detail::checked(name).c_str(), &index);
        });
        return index;
    }

    /** \brief A layer with a copy of its bytes. */
    layer load(std::size_t index) const
    {
        return taken([&](wsic_archive *a, wsic_layer **out) {
            return wsic_archive_load_layer(a, index, out);
        });
    }
    layer load(const std::string &name) const { return load(find(name)); }

    /** \brief A layer that borrows its bytes from the mapping or the memory of the archive. The
     *  file must not change or shrink meanwhile (archive.h). */
    layer view(std::size_t index) const
    {
        layer made = taken([&](wsic_archive *a, wsic_layer **out) {
            return wsic_archive_view_layer(a, index, out);
        });
        made.borrow(bytes_);
        return made;
    }
    layer view(const std::string &name) const { return view(find(name)); }

    /** \brief Offset and number of the bytes of a layer. */
    std::pair<std::uint64_t, std::uint64_t> extent(std::size_t index) const
    {
        std::pair<std::uint64_t, std::uint64_t> found;
        read([&](wsic_archive *a) {
            return wsic_archive_get_extent(a, index, &found.first, &found.second);
        });
        return found;
    }

    /** \brief The texts of the archive with their keys. */
    std::vector<std::pair<std::string, std::string>> metadata() const
    {
        return get([](wsic_archive *a) {
            std::vector<std::pair<std::string, std::string>> found;
            for (std::size_t k = 0; k < wsic_archive_metadata_count(a); k++) {
                const char *const key = wsic_archive_metadata_key(a, k);
                found.emplace_back(key, wsic_archive_metadata(a, key));
            }
            return found;
        });
    }

    /** \brief A text of the archive. */
    std::optional<std::string> metadata(const std::string &key) const
    {
        return get([&](wsic_archive *a) -> std::optional<std::string> {
            const char *const value = wsic_archive_metadata(a, detail::checked(key).c_str());
            return value ? std::optional<std::string>(value) : std::nullopt;
        });
    }

private:
    template <class Function> layer taken(Function f) const
    {
        layer made;
        made.keep(owner(),
                  [&](wsic_layer **out) { read([&](wsic_archive *a) { return f(a, out); }); });
        return made;
    }

    std::shared_ptr<const void> bytes_;
};

/** \brief An archive that is written (archive.h). Without finish() no file appears. */
class archive_writer : public handle<wsic_archive_writer> {
public:
    archive_writer(const context &from, const std::string &path)
    {
        make(from, [&](wsic_context *c, wsic_archive_writer **out) {
            return wsic_archive_writer_create(c, detail::checked(path).c_str(), out);
        });
    }

    /** \brief Continue an archive that was not finished, or begin one that can be continued. */
    static archive_writer resume(const context &from, const std::string &path)
    {
        archive_writer made;
        made.make(from, [&](wsic_context *c, wsic_archive_writer **out) {
            return wsic_archive_writer_resume(c, detail::checked(path).c_str(), out);
        });
        return made;
    }

    /** \brief Choose what the offset of every layer is a multiple of. */
    archive_writer &set_alignment(std::uint64_t alignment)
    {
        call([&](wsic_archive_writer *w) {
            return wsic_archive_writer_set_alignment(w, alignment);
        });
        return *this;
    }
    std::uint64_t alignment() const { return get(wsic_archive_writer_alignment); }

    /** \brief Attach a text. */
    archive_writer &set_metadata(const std::string &key, const std::string &value)
    {
        call([&](wsic_archive_writer *w) {
            return wsic_archive_writer_set_metadata(w, detail::checked(key).c_str(),
                                                    detail::checked(value).c_str());
        });
        return *this;
    }

    std::optional<std::string> metadata(const std::string &key) const
    {
        return get([&](wsic_archive_writer *w) -> std::optional<std::string> {
            const char *const value = wsic_archive_writer_metadata(w, detail::checked(key).c_str());
            return value ? std::optional<std::string>(value) : std::nullopt;
        });
    }

    /** \brief Append a layer. */
    archive_writer &add(const std::string &name, const layer &added)
    {
        const wsic_layer *const given = added.native();
        call(
            [&](wsic_archive_writer *w) {
                return wsic_archive_writer_add(w, detail::checked(name).c_str(), given);
            },
            {also(added)});
        return *this;
    }

    std::size_t size() const { return get(wsic_archive_writer_count); }

    /** \brief Names of the layers that were added, also before a resumption. */
    std::vector<std::string> names() const
    {
        return get([](wsic_archive_writer *w) {
            std::vector<std::string> found;
            for (std::size_t k = 0; k < wsic_archive_writer_count(w); k++)
                found.emplace_back(wsic_archive_writer_name(w, k));
            return found;
        });
    }

    /** \brief Bytes of the file if it were finished now. */
    std::uint64_t bytes() const
    {
        return get([](wsic_archive_writer *w) { return wsic_archive_writer_size(w, nullptr, 0); });
    }

    /** \brief Bytes of the file after one more layer. */
    std::uint64_t bytes_with(const std::string &name, std::uint64_t layer_bytes) const
    {
        return get([&](wsic_archive_writer *w) {
            return wsic_archive_writer_size(w, detail::checked(name).c_str(), layer_bytes);
        });
    }

    /** \brief Read a layer back. */
    layer load(std::size_t index) const
    {
        layer made;
        made.keep(owner(), [&](wsic_layer **out) {
            call([&](wsic_archive_writer *w) {
                return wsic_archive_writer_load_layer(w, index, out);
            });
        });
        return made;
    }

    /** \brief Complete the archive and give the file its name. */
    void finish() { call(wsic_archive_writer_finish); }

private:
    archive_writer() = default;
};

/* --- the limit -------------------------------------------------------------------------- */

/** \brief Reverse waterfilling (waterfill.h). */
namespace waterfill {

/** \brief A rate or a distortion, and the water level that belongs to it. */
struct solution {
    double value;
    double water_level;
};

namespace detail {
template <class Function> solution solve(Function f)
{
    solution found{};
    const wsic_status status = f(&found.value, &found.water_level);
    if (status < 0)
        throw error(status, "");
    return found;
}
} // namespace detail

/** \brief The least rate for a distortion. */
inline solution rate(span<const double> eigenvalues, double variance, double distortion)
{
    return detail::solve([&](double *value, double *level) {
        return wsic_waterfill_rate(eigenvalues.data(), eigenvalues.size(), variance, distortion,
                                   value, level);
    });
}

/** \brief The least distortion for a rate. */
inline solution distortion(span<const double> eigenvalues, double variance, double bits)
{
    return detail::solve([&](double *value, double *level) {
        return wsic_waterfill_distortion(eigenvalues.data(), eigenvalues.size(), variance, bits,
                                         value, level);
    });
}

/** \brief rate() of two spectra, each in descending order. */
inline solution product_rate(span<const double> outputs, span<const double> inputs, double variance,
                             double distortion)
{
    return detail::solve([&](double *value, double *level) {
        return wsic_waterfill_product_rate(outputs.data(), outputs.size(), inputs.data(),
                                           inputs.size(), variance, distortion, value, level);
    });
}

/** \brief distortion() of two spectra, each in descending order. */
inline solution product_distortion(span<const double> outputs, span<const double> inputs,
                                   double variance, double bits)
{
    return detail::solve([&](double *value, double *level) {
        return wsic_waterfill_product_distortion(outputs.data(), outputs.size(), inputs.data(),
                                                 inputs.size(), variance, bits, value, level);
    });
}

/** \brief Rate of every component at a water level. */
inline std::vector<double> component_rates(span<const double> eigenvalues, double variance,
                                           double water_level)
{
    std::vector<double> rates(eigenvalues.size());
    const wsic_status status = wsic_waterfill_component_rates(
        eigenvalues.data(), eigenvalues.size(), variance, water_level, rates.data());
    if (status < 0)
        throw error(status, "");
    return rates;
}

} // namespace waterfill

} // namespace watersic

#endif
